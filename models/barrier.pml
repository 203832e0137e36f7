/* sem.Barrier for NC parties: the state (gen | W | phase, runner; number 0), NC places (owner, note), the room
 * (a bell for those without a place, number 1). More goroutines than places: some wait for one.
 * ROUNDS waits a goroutine; ACTION: with an action; JOIN: the goroutines in this mask join first;
 * RESETS: process 2 (or 1 of 2; and process 3) has, in place of a party, one that aborts and resets, and
 * may be killed between any two steps.
 *
 * Promises: all parties of a round are told the same, and "completed" only if all places had arrived; an
 * action is run once at most; a party that dies before its round is complete is reported by a broken
 * round; at rest nobody waits in a round that is over, broken, complete or doomed.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC   a successor is appointed before the leader leaves
 *	M_PARITY   completion steps by one, Reset by two
 *	M_ARRIVE1  claim, then load the state, then arrive (out: load, then claim as arrived)
 *	M_NOSWEEP  who waits breaks a round that a dead one was needed for
 *	M_BURYFILL Reset buries only while the barrier is Broken
 *	M_NOROOM   who gives a place back rings the room
 *	M_NOLOOK   announced at the room, one looks again before it sleeps
 *	M_STALEALL the slice finds a round that is complete and that nobody has completed
 *	M_NORUNNER the runner is named */
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef ACTION
#define ACTION 0
#endif
#ifndef JOIN
#define JOIN 0
#endif
#ifndef RESETS
#define RESETS 0
#endif
#define FILLING 0
#define RUNNING 1
#define BROKEN 2
#define W 4
#define GEN(v) ((v)>>3)
#define PH(v) ((v)&3)
#define ENTERING 255
#define NW 2
#define WORD(k) ((k)==0 -> s : room)
#if NC==2
#define ANY(F) (F(0)||F(1))
#else
#define ANY(F) (F(0)||F(1)||F(2))
#endif
#define CORPSE(i) (co[i]!=0 && !ALIVE(co[i]))
#define FREE(i) (co[i]==0)
#define MISSING(i) (co[i]==0 || cn[i]!=GEN(s)+1)
#define FULL (!ANY(MISSING))
#define RUNNERDEAD (PH(s)==RUNNING && !ALIVE(rn))
#ifdef M_NORUNNER
#define DOOMED (PH(s)==FILLING && ANY(CORPSE))
#define STALE0 (PH(s)!=RUNNING && (FULL || ANY(CORPSE)))
#else
#define DOOMED (RUNNERDEAD || (PH(s)==FILLING && ANY(CORPSE)))
#ifdef M_STALEALL
#define STALE0 (PH(s)==RUNNING -> !ALIVE(rn) : ANY(CORPSE))
#else
#define STALE0 (PH(s)==RUNNING -> !ALIVE(rn) : (FULL || ANY(CORPSE)))
#endif
#endif
#define STALE(g) (slp[g]==1 -> STALE0 : (PH(s)==BROKEN || ANY(FREE) || ANY(CORPSE)))
/* Waiting is right: for the runner, if it is stopped; else in Filling, if a party is missing (or stopped on its
 * way) and nobody owes a report; and for a place of one that is stopped or waits itself. */
#define STALLED(i) (co[i]!=0 && st[co[i]-1]==STOP)
#define LEGIT(g) ((PH(s)==RUNNING && st[rn-1]==STOP) || (PH(s)==FILLING && !owes && !FULL && !ANY(CORPSE) && \
	(gof[g]==255 -> !ANY(FREE) : gof[g]==GEN(s))) || (gof[g]==255 && ANY(STALLED) && PH(s)!=BROKEN))
#define HAS(q,i) (co[i]==q+1)
#define died(q) if :: PH(s)!=BROKEN && (HAS(q,0)||HAS(q,1)||(NC>2&&HAS(q,NC-1))) -> owes=true :: else fi
byte s, rn, room;
byte co[NC], cn[NC];
byte gof[5];        /* the round in which g waits; 255: none */
bool owes;          /* a party has died and no round has been broken since */
byte told[16];      /* by round: 1 completed, 2 broken, 3 would be both */
byte acts[16];
#include "lot.pmh"

inline tell(g_,what) { told[g_]=told[g_]|what; assert(told[g_]!=3) }
/* every change of s that ends a round; n tells that somebody may sleep */
inline completes() { n=s&W; tell(GEN(s),1); s=(GEN(s)+1)<<3; rn=0; progress() }
inline breaks() { n=s&W; tell(GEN(s),2); s=(GEN(s)<<3)|BROKEN; rn=0; owes=false; progress() }
inline ringroom() {
	if
	:: atomic{ room&1 -> skip };
	   atomic{ if :: room&1 -> room=((room&6)+2)&7 :: else fi };
	   wakeall(1)
	:: atomic{ !(room&1) -> skip }
	fi }
/* after a round was broken */
inline shattered() { if :: n -> wakeall(0) :: else fi; ringroom(); atomic{ n=0 } }
#ifdef M_NOSWEEP
#define sweep() skip
#else
inline sweep() {
	if
	:: atomic{ DOOMED -> breaks() }; shattered()
	:: atomic{ !DOOMED -> skip }
	fi }
#endif
#define JOINED(i) (co[i]==p+1 && cn[i]==0)
#define NOPLACE (!ANY(FREE) && !ANY(JOINED))
#ifdef M_ARRIVE1
#define NOTE (f+1)
#define OLDGEN atomic{ f=GEN(s) };
#else
#define NOTE ENTERING
#define OLDGEN
#endif
#if NC>2
#define THIRD(what) :: atomic{ what(2) }
#else
#define THIRD(what)
#endif
#define TAKEJ(i) JOINED(i) -> c=i; cn[i]=NOTE
#define TAKEF(i) !ANY(JOINED) && FREE(i) -> c=i; co[i]=p+1; cn[i]=NOTE
inline enter() {
	OLDGEN
	if
	:: atomic{ TAKEJ(0) } :: atomic{ TAKEJ(1) } THIRD(TAKEJ)
	:: atomic{ TAKEF(0) } :: atomic{ TAKEF(1) } THIRD(TAKEF)
	:: atomic{ NOPLACE -> c=9 }
	fi }

proctype G(byte g; byte p) provided (CANRUN(p)) {
	byte v,c,f,n,r; bool look,ldr;
	{
	c=9; gof[g]=255;
	if
	:: (JOIN>>g)&1 -> if
		:: atomic{ FREE(0) -> co[0]=p+1; cn[0]=0 }
		:: atomic{ FREE(1) -> co[1]=p+1; cn[1]=0 }
		:: atomic{ !FREE(0) && !FREE(1) -> skip }
		fi
	:: else
	fi;
	do
	:: atomic{ r<ROUNDS -> r++ };
	   enter();
	   if :: c!=9 -> goto have :: else fi;
	   atomic{ join(1,ldr); look=true };
seek:	   atomic{ room=room|1; v=room };
#ifndef M_NOLOOK
	   enter();
	   if :: c!=9 -> leave(1); goto have :: else fi;
#endif
	   if :: atomic{ PH(s)==BROKEN -> skip }; leave(1); goto out :: atomic{ PH(s)!=BROKEN -> skip } fi;
	   if :: look -> sweep(); atomic{ look=false; goto seek } :: else fi;
	   if :: atomic{ !ldr -> parked[g]=true; goto rfollow } :: ldr fi;
	   if
	   :: atomic{ CAN(g) -> goto rleft }
	   :: atomic{ room==v -> SLEEP(1,v) }
	   :: atomic{ room!=v -> goto retry }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; goto retry }
	   :: atomic{ LOOK -> UP; look=true; goto retry }
	   :: atomic{ CANCELLED -> NOMORE; goto rleft }
	   fi;
rfollow:   if
	   :: atomic{ APPOINTED(1) -> parked[g]=false; ldr=true; goto retry }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	   fi;
retry:
#ifdef M_NOLOOK
	   enter();
	   if :: c!=9 -> leave(1); goto have :: else fi;
#endif
	   goto seek;
rleft:	   leave(1);
	   goto out;

have:
#ifdef M_ARRIVE1
	   atomic{ v=0; ldr=false; look=false; gof[g]=f };
#else
	   atomic{ v=0; ldr=false; look=false; if :: PH(s)==BROKEN -> goto give :: else -> f=GEN(s) fi };
	   atomic{ assert(co[c]==p+1); cn[c]=f+1; gof[g]=f };
#endif
	   atomic{ join(0,ldr); if :: KILLS>0 -> look=true :: true fi };
again:	   atomic{ v=s; if :: GEN(v)!=f || PH(v)==BROKEN -> goto over :: PH(v)==RUNNING -> goto pend :: else fi };
	   if :: atomic{ FULL && GEN(s)==f -> skip } :: atomic{ !(FULL && GEN(s)==f) -> goto pend } fi;
#if ACTION
	   if
	   :: atomic{ s==v -> s=s|RUNNING; rn=p+1; goto chosen }
#else
	   if
	   :: atomic{ s==v -> completes() }; if :: n -> wakeall(0); atomic{ n=0 } :: else fi; goto over
#endif
	   :: atomic{ s!=v -> goto again }
	   fi;
pend:	   if :: look -> sweep(); atomic{ look=false; goto again } :: else fi;
	   atomic{ if :: s==v -> s=s|W; v=s :: else -> goto again fi };
	   if :: atomic{ !ldr -> parked[g]=true; goto follow } :: ldr fi;
	   if
	   :: atomic{ CAN(g) -> goto cancel }
	   :: atomic{ s==v -> SLEEP(0,v) }
	   :: atomic{ s!=v -> goto again }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; goto again }
	   :: atomic{ LOOK -> UP; look=true; goto again }
	   :: atomic{ CANCELLED -> NOMORE; goto cancel }
	   fi;
follow:	   if
	   :: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; goto again }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto cancel }
	   fi;
cancel:	   if
	   :: atomic{ GEN(s)==f && PH(s)!=BROKEN -> breaks() }; shattered()
	   :: atomic{ GEN(s)!=f || PH(s)==BROKEN -> skip }
	   fi;
	   goto over;
chosen:	   leave(0);
	   atomic{ acts[f]++; assert(acts[f]==1) };
	   if
	   :: atomic{ GEN(s)==f && PH(s)==RUNNING -> completes() }; if :: n -> wakeall(0); atomic{ n=0 } :: else fi
	   :: atomic{ GEN(s)!=f || PH(s)==BROKEN -> skip }
	   fi;
over:	   atomic{ progress();
		if
#ifdef M_PARITY
		:: GEN(s)>f -> assert(told[f]==1)
#else
		:: (GEN(s)-f)&1 -> assert(told[f]==1)
#endif
		:: else -> assert(told[f]==2); assert(GEN(s)!=f || PH(s)==BROKEN)
		fi };
	   leave(0);
give:	   atomic{ assert(co[c]==p+1); co[c]=0; cn[c]=0; c=9; gof[g]=255 };
#ifndef M_NOROOM
	   ringroom();
#endif
out:	   atomic{ v=0;f=0;n=0;look=false;ldr=false; assert(c==9) }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); v=0;c=0;f=0;n=0;r=0;look=false;ldr=false; gof[g]=255 } }
}

/* Abort, then Reset */
proctype Resetter(byte g; byte p) provided (CANRUN(p)) {
	byte v,i,n,r;
	{
	do
	:: atomic{ r<RESETS -> r++ };
	   if
	   :: atomic{ PH(s)!=BROKEN -> breaks() }; shattered()
	   :: atomic{ PH(s)==BROKEN -> skip }
	   fi;
	   if :: atomic{ PH(s)!=BROKEN -> goto end } :: atomic{ PH(s)==BROKEN -> v=s } fi;
	   do
	   :: atomic{ i<NC && CORPSE(i) -> n=co[i] };
#ifndef M_BURYFILL
	      if :: atomic{ s!=v -> goto turn } :: atomic{ s==v -> skip } fi;
#endif
	      atomic{ if :: co[i]==n -> co[i]=0; cn[i]=0 :: else fi; n=0; i++ }
	   :: atomic{ i<NC && !CORPSE(i) -> i++ }
	   :: atomic{ i==NC -> break }
	   od;
turn:	   atomic{ i=0; n=0; if :: s==v ->
#ifdef M_PARITY
		s=(GEN(s)+1)<<3
#else
		s=(GEN(s)+2)<<3
#endif
		:: else fi };
	   ringroom();
end:	   atomic{ v=0 }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); v=0;i=0;n=0;r=0 } }
}

init{ atomic{
	run G(0,0);
#if G0>1
	run G(1,0);
#endif
#if NP==2 && RESETS
	run Resetter(G0,1);
#elif NP>1
	run G(G0,1);
#endif
#if NP>2 && RESETS
	run Resetter(G0+1,2);
#elif NP>2
	run G(G0+1,2);
#endif
#if NP>3
	run Resetter(G0+2,3);
#endif
	run Killer(); run Monitor(); run Watch() } }
