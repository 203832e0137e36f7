/* sem.BoundedSemaphore: NC cells of owner and version, and a bell (seq | W in bit 0).
 * ROUNDS permits a goroutine, one after another; those in the mask KEEP do not give theirs back. TRYER: the last goroutine asks TryAcquire instead, and the
 * versions count; without it they are left out, since nobody else looks at them.
 *
 * Promises: the living hold no more than NC permits; at rest everybody alive is through, or stopped
 * processes hold all permits; TryAcquire that says no was right at one moment of the call; Release finds a
 * cell of its process.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC    a successor is appointed before the leader leaves
 *	M_NOPASS    a leaver passes on what it may have been woken for
 *	M_NOMORE    a taker that has slept announces anew, looks, and wakes the next
 *	M_NOREANN   … announces anew
 *	M_NOLOOK    announce, then look again, then sleep
 *	M_NOSEQ     the swing of the bell moves seq
 *	M_NOREAP    the cells of the dead are taken over
 *	M_STALEFREE the slice finds sleepers beside a free cell
 *	M_NOVERSION versions in the cells
 *	M_ONCE      TryAcquire collects twice */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef NC
#define NC 1
#endif
#ifndef KEEP
#define KEEP 0
#endif
#ifndef TRYER
#define TRYER 0
#endif
#define W 1
#define NW 1
#define WORD(k) ev
#if NC==1
#define ANY(F) (F(0))
#elif NC==2
#define ANY(F) (F(0)||F(1))
#else
#define ANY(F) (F(0)||F(1)||F(2))
#endif
#define CORPSE(i) (cell[i]!=0 && !ALIVE(cell[i]))
#ifdef M_NOREAP
#define REAP(look,i) false
#else
#define REAP(look,i) (look && CORPSE(i))
#endif
#define UNTAKEN(i) (cell[i]==0)
#define UNSTOPPED(i) (cell[i]==0 || st[cell[i]-1]!=STOP)
#define FULL (!ANY(UNTAKEN))
#ifdef M_STALEFREE
#define STALE(g) ANY(CORPSE)
#else
#define STALE(g) (ANY(CORPSE)||ANY(UNTAKEN))
#endif
#if KEEP
#define LEGIT(g) FULL
#else
#define LEGIT(g) (!ANY(UNSTOPPED))
#endif
#define died(q) held[q]=0
byte cell[NC], ver[NC];
byte ev;
byte held[4];  /* permits in the hands of each process */
bool wasFull;  /* since the Tryer began there was a moment without a free cell */
#include "lot.pmh"

#define at(i) ((i+p)%NC) /* home is elsewhere for each process */

inline taken() {
	held[p]++; progress();
	assert(held[0]+held[1]+held[2]<=NC);
	if :: FULL -> wasFull=true :: else fi }

/* walk the cells once, from home on; got is where it goes with a permit */
inline scan(look) {
	atomic{ i=0 };
	do
	:: atomic{ i<NC && cell[at(i)]==0 -> cell[at(i)]=p+1; taken(); i=0; goto got }
	:: atomic{ i<NC && REAP(look,at(i)) -> cell[at(i)]=p+1; ver[at(i)]=ver[at(i)]+TRYER; taken(); i=0; goto got }
	:: atomic{ i<NC && cell[at(i)]!=0 && !REAP(look,at(i)) -> i++; if :: i==NC -> i=0; break :: else fi }
	od }

inline ring1(n) {
	if
	:: atomic{ ev&W -> skip };
	   atomic{ if
		:: ev&W ->
#ifdef M_NOSEQ
			ev=ev&14
#else
			ev=((ev&14)+2)&15
#endif
		:: else -> goto out
		fi };
	   atomic{ wake1(0,n); n=0 }
	:: atomic{ !(ev&W) -> skip }
	fi }

proctype G(byte g; byte p) provided (CANRUN(p)) {
	byte e,i,n,r; bool slept,look,ldr;
	{
	do
	:: atomic{ r<ROUNDS -> r++; if :: KILLS>0 -> look=true :: true fi };
	   scan(look);
	   atomic{ join(0,ldr) };
#ifdef M_NOLOOK
again:	   scan(look);
	   atomic{ ev=ev|W; e=ev; look=false; if :: !ldr -> parked[g]=true; goto follow :: else fi };
#else
again:	   atomic{ ev=ev|W; e=ev };
	   scan(look);
	   atomic{ look=false; if :: !ldr -> parked[g]=true; goto follow :: else fi };
#endif
	   if
	   :: atomic{ CAN(g) -> goto leaves }
	   :: atomic{ ev==e -> SLEEP(0,e) }
	   :: atomic{ ev!=e -> e=0; goto again }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; slept=true; e=0; goto again }
	   :: atomic{ LOOK -> UP; slept=true; look=true; e=0; goto again }
	   :: atomic{ CANCELLED -> NOMORE; goto leaves }
	   fi;
follow:	   if
	   :: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; slept=true; e=0; goto again }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	   fi;
leaves:
#ifndef M_NOPASS
	   atomic{ if :: slept || ev!=e -> skip :: else -> goto left fi };
	   atomic{ wake1(0,n); n=0 };
#endif
left:	   atomic{ leave(0); goto out };
got:
#ifndef M_NOMORE
	   if
	   :: slept ->
#ifndef M_NOREANN
		atomic{ ev=ev|W };
#endif
		do
		:: atomic{ i<NC && cell[at(i)]==0 -> i=0; wake1(0,n); n=0; break }
		:: atomic{ i<NC && cell[at(i)]!=0 -> i++; if :: i==NC -> i=0; break :: else fi }
		od
	   :: else
	   fi;
#endif
	   leave(0);
	   atomic{ i=0; if :: (KEEP>>g)&1 -> goto out :: else fi };
	   do
	   :: atomic{ cell[at(i)]==p+1 -> cell[at(i)]=0; ver[at(i)]=ver[at(i)]+TRYER; held[p]--; i=0; break }
	   :: atomic{ cell[at(i)]!=p+1 -> i++; assert(i<NC) }
	   od;
	   ring1(n);
out:	   atomic{ e=0;n=0;i=0;slept=false;look=false;ldr=false }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); e=0;n=0;i=0;r=0;slept=false;look=false;ldr=false } }
}

#if TRYER
#define SAME(i) (own[i]==cell[i] && ov[i]==ver[i])
/* TryAcquire on a table that it sees full: two equal collects. At another cell than taken ones it would
 * take, which ends the question. */
proctype Try(byte g; byte p) provided (CANRUN(p)) {
	byte i, own[NC], ov[NC];
	{
	atomic{ wasFull=FULL };
	do
	:: atomic{ i<NC && cell[i]!=0 -> own[i]=cell[i];
#ifndef M_NOVERSION
		ov[i]=ver[i];
#endif
		i++ }
	:: atomic{ i<NC && cell[i]==0 -> goto out }
	:: atomic{ i==NC -> i=0; break }
	od;
#ifndef M_ONCE
	do
#ifdef M_NOVERSION
	:: atomic{ i<NC && own[i]==cell[i] -> i++ }
	:: atomic{ i<NC && own[i]!=cell[i] -> goto out }
#else
	:: atomic{ i<NC && SAME(i) -> i++ }
	:: atomic{ i<NC && !SAME(i) -> goto out } /* and it begins again */
#endif
	:: atomic{ i==NC -> i=0; break }
	od;
#endif
	atomic{ assert(wasFull) };
out:	atomic{ i=0; done[g]=true }
	} unless { GONE(p); i=0 } }
}
#endif

init{ atomic{
	run G(0,0);
#if G0>1
	run G(1,0);
#endif
#if G0>2
	run G(2,0);
#endif
#if NP>1 && !(TRYER && NP==2)
	run G(G0,1);
#endif
#if NP>2 && !TRYER
	run G(G0+1,2);
#endif
#if TRYER
	run Try(NG-1,NP-1);
#endif
	run Killer(); run Monitor(); run Watch() } }
