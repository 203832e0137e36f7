/* sem.Mutex: owner | H | W | A in one word.
 * ROUNDS locks a goroutine; HAND: waiters may grow old and set H; TRY: the last goroutine calls TryLock.
 *
 * Promises: one holder at a time; A stands exactly while a holder has died and nobody has called Repaired;
 * at rest everybody alive is through, or a stopped process holds the lock.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC    a successor is appointed before the leader leaves
 *	M_NOPASS    a leaver passes on what it may have been woken for
 *	M_BAREPASS  … and clears an H and W that nobody stands behind when it woke nobody
 *	M_NOHCLEAR  Unlock clears an H and W that nobody stands behind when it woke nobody
 *	M_WONLY     Unlock looks for sleepers also when it found H alone
 *	M_NOWTAKE   W is kept by one who slept
 *	M_NOREAP    a dead holder is taken over
 *	M_STALEFREE the slice finds sleepers on a free word
 *	M_NOA       A is kept by Unlock
 *	M_NOTA      A is set by a take-over */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef HAND
#define HAND 1
#endif
#ifndef TRY
#define TRY 1
#endif
#define H 4
#define W 8
#define A 16
#define OWN(x) ((x)&3)
#ifdef M_WONLY
#define BITS W
#else
#define BITS (H|W)
#endif
#define NW 1
#define WORD(k) word
#ifdef M_STALEFREE
#define STALE(g) (OWN(word)!=0 && !ALIVE(OWN(word)))
#else
#define STALE(g) (OWN(word)==0 || !ALIVE(OWN(word)))
#endif
#define LEGIT(g) (OWN(word)!=0 && st[OWN(word)-1]==STOP)
#define died(q) if :: OWN(word)==q+1 -> lost=true :: else fi; in[q]=false
byte word;
bool lost;    /* a holder has died, unrepaired */
bool in[4];   /* by process: somebody of it is inside */
#include "lot.pmh"

inline enter() {
	assert(!(in[0]||in[1]||in[2])); in[p]=true; progress();
	assert(OWN(word)==p+1); assert(((word&A)!=0)==lost) }

inline wakeOne(n) {
	do
	:: wake1(0,n);
	   atomic{ if
		:: n || OWN(word)!=0 || !(word&H) -> n=0; break
		:: else -> n=word&W; word=word&~(H|W); if :: n -> n=0 :: else -> break fi
		fi }
	od }

proctype G(byte g; byte p) provided (CANRUN(p)) {
	byte w,n,r; bool slept,aged,look,ldr;
	{
	do
	:: atomic{ r<ROUNDS -> r++;
		if
		:: TRY && g==NG-1 -> if
			:: OWN(word)==0 -> word=word|(p+1); enter(); goto inside
#ifndef M_NOREAP
			:: OWN(word)!=0 && !ALIVE(OWN(word)) -> word=(p+1)|(word&H)|W|A; enter(); goto inside
#endif
			:: OWN(word)!=0 -> goto out
			fi
		:: true
		fi;
		if
		:: OWN(word)==0 && !(word&H) -> word=word|(p+1); enter(); goto inside
		:: else
		fi;
		if :: KILLS>0 -> look=true :: true fi };
	   atomic{ join(0,ldr) };
again:	   atomic{
		if :: HAND && !aged -> aged=true :: true fi;
		if
		:: OWN(word)==0 && (!(word&H) || slept) ->
			word=word|(p+1);
#ifndef M_NOWTAKE
			if :: slept -> word=word|W :: else fi;
#endif
			if :: slept && aged -> word=word&~H :: else fi;
			enter(); goto held
#ifndef M_NOREAP
		:: OWN(word)!=0 && look && !ALIVE(OWN(word)) ->
#ifdef M_NOTA
			word=(p+1)|(word&H)|W|(word&A); enter(); goto held
#else
			word=(p+1)|(word&H)|W|A; enter(); goto held
#endif
#endif
		:: else -> word=word|W|(aged->H:0); w=word; look=false
		fi;
		if :: !ldr -> parked[g]=true; goto follow :: else fi };
	   if
	   :: atomic{ CAN(g) -> goto leaves }
	   :: atomic{ word==w -> SLEEP(0,w) }
	   :: atomic{ word!=w -> w=0; goto again }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; slept=true; w=0; goto again }
	   :: atomic{ LOOK -> UP; slept=true; look=true; w=0; goto again }
	   :: atomic{ CANCELLED -> NOMORE; goto leaves }
	   fi;
follow:	   if
	   :: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; slept=true; w=0; goto again }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	   fi;
leaves:
#ifdef M_NOPASS
	   skip;
#else
	   atomic{ if :: slept || word!=w || OWN(word)==0 -> skip :: else -> goto left fi };
#ifdef M_BAREPASS
	   wake1(0,n);
#else
	   wakeOne(n);
#endif
#endif
left:	   atomic{ leave(0); goto out };
held:	   leave(0);
inside:	   if :: atomic{ word&A -> word=word&~A; lost=false } :: true fi;
#ifdef M_NOA
	   atomic{ in[p]=false; n=word&BITS; word=word&H };
#else
	   atomic{ in[p]=false; n=word&BITS; word=word&(A|H) };
#endif
	   if
	   :: n ->
#ifdef M_NOHCLEAR
		wake1(0,n)
#else
		wakeOne(n)
#endif
	   :: else
	   fi;
out:	   atomic{ w=0;n=0;slept=false;aged=false;look=false;ldr=false }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); w=0;n=0;r=0;slept=false;aged=false;look=false;ldr=false } }
}

init{ atomic{
	run G(0,0);
#if G0>1
	run G(1,0);
#endif
#if G0>2
	run G(2,0);
#endif
#if NP>1
	run G(G0,1);
#endif
#if NP>2
	run G(G0+1,2);
#endif
	run Killer(); run Monitor(); run Watch() } }
