/* sem.Event: q | S | W. All but the last process wait once; the last sets and clears SETS times.
 *
 * Promises: Wait succeeds only if the event was set during the call; at rest nobody waits who has seen a Set
 * since he came.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC   a successor is appointed before the leader leaves
 *	M_NOQ      Set moves q, and a waiter is done when q has moved
 *	M_WAKEONE  Set wakes all
 *	M_CLEARW   Clear keeps W */
#ifndef SETS
#define SETS 2
#endif
#define W 1
#define S 2
#define Q(x) ((x)>>2)
#define NW 1
#define WORD(k) word
#define STALE(g) false
#define LEGIT(g) (sets==since[g])
#define died(q) skip
byte word;
byte sets, since[5];  /* Sets that took effect; how many when g came */
#include "lot.pmh"

#ifdef M_NOQ
#define OVER (word&S)
#else
#define OVER ((word&S) || Q(word)!=from)
#endif

proctype G(byte g; byte p) provided (CANRUN(p)) {
	byte w,from; bool ldr;
	{
	atomic{ since[g]=sets; from=Q(word); if :: word&S -> goto out :: else fi };
	atomic{ join(0,ldr) };
again:	atomic{ if :: OVER -> goto left :: else -> word=word|W; w=word fi;
		if :: !ldr -> parked[g]=true; goto follow :: else fi };
	if
	:: atomic{ CAN(g) -> goto ended }
	:: atomic{ word==w -> SLEEP(0,w) }
	:: atomic{ word!=w -> goto again }
	fi;
	if
	:: atomic{ WOKEN -> on[g]=0; goto again }
	:: atomic{ LOOK -> UP; goto again }
	:: atomic{ CANCELLED -> NOMORE; goto ended }
	fi;
follow:	if
	:: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; goto again }
	:: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	fi;
ended:	leave(0);
	goto out;
left:	atomic{ assert((word&S) || sets!=since[g]); leave(0) };
out:	atomic{ w=0;from=0;ldr=false; done[g]=true; progress() }
	} unless { GONE(p); w=0;from=0;ldr=false } }
}

proctype Setter(byte g; byte p) provided (CANRUN(p)) {
	byte n,r;
	{
	do
	:: r<SETS -> r++;
	   atomic{ if
		:: !(word&S) -> n=word&W; sets++; progress();
#ifdef M_NOQ
			word=(word&~W)|S
#else
			word=((word&~W)|S)+4
#endif
		:: else -> n=0
		fi };
#ifdef M_WAKEONE
	   if :: n -> wake1(0,n) :: else fi;
#else
	   if :: n -> wakeall(0) :: else fi;
#endif
#ifdef M_CLEARW
	   atomic{ n=0; word=word&~(S|W) }
#else
	   atomic{ n=0; word=word&~S }
#endif
	:: else -> r=0; done[g]=true; break
	od
	} unless { GONE(p); n=0;r=0 } }
}

init{ atomic{
	run G(0,0);
#if G0>1
	run G(1,0);
#endif
#if G0>2
	run G(2,0);
#endif
#if NP>2
	run G(G0,1);
#endif
	run Setter(NG-1,NP-1);
	run Killer(); run Monitor(); run Watch() } }
