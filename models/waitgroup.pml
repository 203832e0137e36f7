/* sem.WaitGroup: count and entries in one word, claims (owner, how often), a bell for those in Wait (seq | W).
 * Process 0 waits, with each of its goroutines. Process 1 enters, adds one to the count, and hands over to process 2, which has
 * entered before process 1 leaves; 2 takes the one from the count and leaves. ROUNDS such hand-overs.
 *
 * Promises: when Wait succeeds nobody is inside and the count is zero, at that very moment; at rest
 * nobody waits but for what is counted, or for a stopped one that is inside.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC    a successor is appointed before the leader leaves
 *	M_NOENTRIES Enter and Add move the entries
 *	M_NOSECOND  Wait loads the state a second time
 *	M_NOSETTLE  who leaves as the last one rings
 *	M_NOBURY    the dead are buried
 *	M_NOLOOK    announced, one looks again before it sleeps
 *	M_STALEDEAD the slice sees that all is over though nobody has died */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef COUNT
#define COUNT 1
#endif
#define NW 1
#define NC 2
#define WORD(k) ev
#define CORPSE(i) (co[i]!=0 && !ALIVE(co[i]))
#define GONEORFREE(i) (co[i]==0 || CORPSE(i))
#ifdef M_STALEDEAD
#define STALE(g) (count==0 && GONEORFREE(0) && GONEORFREE(1) && (CORPSE(0)||CORPSE(1)))
#else
#define STALE(g) (count==0 && GONEORFREE(0) && GONEORFREE(1))
#endif
#define STUCK(i) (co[i]!=0 && st[co[i]-1]==STOP)
#define LEGIT(g) (count!=0 || STUCK(0) || STUCK(1))
#define died(q) inside[q]=false
byte count, entries, ev;
byte co[NC], cc[NC];
bool inside[4];      /* Enter has returned, Leave has not begun */
bool shook[2];       /* the two meet: 1 is inside, 2 is inside */
#include "lot.pmh"

#ifdef M_NOENTRIES
#define ENTRY skip
#else
#define ENTRY entries++
#endif
/* q: there was a moment at which all was over. */
inline quiet(q) {
	atomic{ e=entries; q=(count==0); i=0 };
	if
	:: q ->
		do
		:: atomic{ i<NC && co[i]==0 -> i++ }
		:: atomic{ i<NC && co[i]!=0 -> q=false; break }
		:: atomic{ i==NC -> break }
		od;
#ifdef M_NOSECOND
		assert(!q || (count==0 && !inside[1] && !inside[2]))
#else
		if :: q -> atomic{ q=(count==0 && entries==e); assert(!q || (count==0 && !inside[1] && !inside[2])) } :: else fi
#endif
	:: else
	fi;
	atomic{ i=0; e=0 } }
inline ringall() {
	if
	:: atomic{ ev&1 -> skip };
	   atomic{ if :: ev&1 -> ev=((ev&6)+2)&7 :: else fi };
	   wakeall(0)
	:: atomic{ !(ev&1) -> skip }
	fi }
inline settle() {
#ifdef M_NOSETTLE
	skip
#else
	if
	:: atomic{ ev&1 -> skip }; quiet(q); if :: q -> ringall() :: else fi
	:: atomic{ !(ev&1) -> skip }
	fi
#endif
}

proctype Waits(byte g; byte p) provided (CANRUN(p)) {
	byte w,i,e; bool look,ldr,q,b;
	{
	quiet(q); if :: q -> goto out :: else fi;
	atomic{ join(0,ldr); if :: KILLS>0 -> look=true :: true fi };
again:	atomic{ ev=ev|1; w=ev };
#ifndef M_NOLOOK
	quiet(q); if :: q -> goto left :: else fi;
#endif
	if
	:: look -> atomic{ look=false };
#ifndef M_NOBURY
		do
		:: atomic{ i<NC && CORPSE(i) -> co[i]=0; cc[i]=0; i++; b=true }
		:: atomic{ i<NC && !CORPSE(i) -> i++ }
		:: atomic{ i==NC -> i=0; break }
		od;
		if :: b -> settle(); atomic{ b=false } :: else fi;
#endif
		goto again
	:: else
	fi;
	if :: atomic{ !ldr -> parked[g]=true; goto follow } :: ldr fi;
	if
	:: atomic{ CAN(g) -> goto gives }
	:: atomic{ ev==w -> SLEEP(0,w) }
	:: atomic{ ev!=w -> goto retry }
	fi;
	if
	:: atomic{ WOKEN -> on[g]=0; goto retry }
	:: atomic{ LOOK -> UP; look=true; goto retry }
	:: atomic{ CANCELLED -> NOMORE; goto gives }
	fi;
follow:	if
	:: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; goto retry }
	:: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto ended }
	fi;
retry:
#ifdef M_NOLOOK
	quiet(q); if :: q -> goto left :: else fi;
#endif
	goto again;
gives:	leave(0);
	goto ended;
left:	leave(0);
out:	skip;
ended:	atomic{ w=0;look=false;ldr=false;q=false; done[g]=true; progress() }
	} unless { GONE(p); w=0;i=0;e=0;look=false;ldr=false;q=false;b=false } }
}

inline enter() {
	if
	:: atomic{ co[0]==p+1 -> cc[0]++ }
	:: atomic{ co[1]==p+1 -> cc[1]++ }
	:: atomic{ co[0]!=p+1 && co[1]!=p+1 && co[0]==0 -> co[0]=p+1; cc[0]=1 }
	:: atomic{ co[0]!=p+1 && co[1]!=p+1 && co[1]==0 -> co[1]=p+1; cc[1]=1 }
	fi;
	atomic{ ENTRY; inside[p]=true; progress() } }
inline exits() {
	atomic{ inside[p]=false; i=0 };
	do
	:: atomic{ co[i]==p+1 -> cc[i]--; if :: cc[i]==0 -> co[i]=0; b=true :: else fi; i=0; break }
	:: atomic{ co[i]!=p+1 -> i++; assert(i<NC) }
	od;
	if :: b -> settle(); atomic{ b=false; q=false } :: else fi }

proctype First(byte g; byte p) provided (CANRUN(p)) {
	byte i,e,r; bool q,b;
	{
	do
	:: r<ROUNDS -> r++;
	   if :: r>1 -> atomic{ !shook[1] || st[2]!=RUN -> skip } :: else fi;
	   enter();
#if COUNT
	   atomic{ count++; ENTRY };
#endif
	   atomic{ shook[0]=true };
	   atomic{ shook[1] || st[2]!=RUN -> shook[0]=false };
	   exits()
	:: else -> r=0; done[g]=true; break
	od
	} unless { GONE(p); i=0;e=0;r=0;q=false;b=false } }
}
proctype Second(byte g; byte p) provided (CANRUN(p)) {
	byte i,e,r; bool q,b;
	{
	do
	:: r<ROUNDS -> r++;
	   if :: shook[0] :: st[1]!=RUN -> r=0; done[g]=true; break fi;
	   enter();
	   atomic{ shook[1]=true };
	   atomic{ !shook[0] || st[1]!=RUN -> shook[1]=false };
#if COUNT
	   atomic{ count--; i=count };
	   if :: i==0 -> settle() :: else fi;
	   atomic{ i=0; q=false };
#endif
	   exits()
	:: else -> r=0; done[g]=true; break
	od
	} unless { GONE(p); i=0;e=0;r=0;q=false;b=false } }
}

init{ atomic{
	run Waits(0,0);
#if G0>1
	run Waits(1,0);
#endif
	run First(G0,1); run Second(G0+1,2);
	run Killer(); run Monitor(); run Watch() } }
