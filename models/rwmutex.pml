/* sem.RWMutex: the writer's word (owner | H | W | A, number 0), NC places (owner, count), the drain (a bell:
 * seq | W in bit 0, number 1).
 * ROLE: bit g says that goroutine g writes. HAND: who waits may grow old and set H. ROUNDS locks a goroutine. TRY: bit
 * g says that writer g calls TryLock.
 *
 * Promises: a writer is alone; who is inside after a writer's death inside sees A; at rest everybody
 * alive is through, or waits for something stopped.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC    a successor is appointed before the leader leaves
 *	M_NOPASS    a leaver passes on what it may have been woken for
 *	M_NORPASS   a reader that slept on the writer's word passes on
 *	M_WONLY     Unlock looks for sleepers also when it found H alone
 *	M_NORECHECK a reader looks at the writer's word after it has its place
 *	M_NORING    who steps back rings the drain
 *	M_NOLOOK    announced at the drain, one looks again before it sleeps
 *	M_NOREAP    the writer buries dead readers
 *	M_NOOPEN    a reader frees the word of a dead writer
 *	M_STALEFREE the slice finds sleepers at the drain beside a free place
 *	M_NOSTEP    a writer whose context ends while he waits for readers unlocks his word */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef ROLE
#define ROLE 1
#endif
#ifndef NC
#define NC 1
#endif
#ifndef HAND
#define HAND 0
#endif
#ifndef TRY
#define TRY 0
#endif
#define H 4
#define W 8
#define A 16
#define OWN(x) ((x)&3)
#define ISW(g) ((ROLE>>(g))&1)
#ifdef M_WONLY
#define BITS W
#else
#define BITS (H|W)
#endif
#define NW 2
#define WORD(k) ((k)==0 -> word : dr)
#if NC==1
#define ANY(F) (F(0))
#else
#define ANY(F) (F(0)||F(1))
#endif
#define CORPSE(i) (co[i]!=0 && !ALIVE(co[i]))
#define FREE(i) (co[i]==0)
#define TAKEN(i) (co[i]!=0)
#define HALTED(i) (co[i]!=0 && st[co[i]-1]==STOP)
#define EMPTY (!ANY(TAKEN))
/* a place for a reader of g's process */
#define ROOM(g) ((co[0]==0||co[0]==PR(g)+1) || (co[NC-1]==0||co[NC-1]==PR(g)+1))
#define WDEAD (OWN(word)!=0 && !ALIVE(OWN(word)))
#ifdef M_STALEFREE
#define STALE(g) (slp[g]==1 -> (OWN(word)==0 || WDEAD) : ANY(CORPSE))
#else
#define STALE(g) (slp[g]==1 -> (OWN(word)==0 || WDEAD) : (ANY(CORPSE) || (drains[g] -> EMPTY : ROOM(g))))
#endif
#define LEGIT(g) ((OWN(word)!=0 && st[OWN(word)-1]==STOP) || ANY(HALTED))
#define died(q) if :: OWN(word)==q+1 && inw[q] -> lost=true :: else fi; inw[q]=false; inr[q]=0
byte word, dr;
byte co[NC], cc[NC];
bool drains[5];      /* at the drain goroutine g is a writer */
bool inw[4]; byte inr[4];
bool lost;
#include "lot.pmh"

#define READERS (inr[0]+inr[1]+inr[2])
#define WRITERS (inw[0]+inw[1]+inw[2])

inline wakeOne(n) {
	do
	:: wake1(0,n);
	   atomic{ if
		:: n || OWN(word)!=0 || !(word&H) -> n=0; break
		:: else -> n=word&W; word=word&~(H|W); if :: n -> n=0 :: else -> break fi
		fi }
	od }

inline ringall() {
	if
	:: atomic{ dr&1 -> skip };
	   atomic{ if :: dr&1 -> dr=((dr&14)+2)&15 :: else fi };
	   wakeall(1)
	:: atomic{ !(dr&1) -> skip }
	fi }

proctype Wr(byte g; byte p) provided (CANRUN(p)) {
	byte w,i,n,r; bool slept,aged,look,ldr;
	{
	do
	:: atomic{ r<ROUNDS -> r++;
		if
		:: (TRY>>g)&1 -> if :: OWN(word)==0 -> word=word|(p+1); goto tries :: else -> goto out fi
		:: else
		fi;
		if
		:: OWN(word)==0 && !(word&H) -> word=word|(p+1); goto held
		:: else
		fi;
		if :: KILLS>0 -> look=true :: true fi };
	   atomic{ join(0,ldr) };
again:	   atomic{
		if :: HAND && !aged -> aged=true :: true fi;
		if
		:: OWN(word)==0 && (!(word&H) || slept) ->
			word=word|(p+1)|(slept->W:0);
			if :: slept && aged -> word=word&~H :: else fi;
			goto leads
		:: look && WDEAD -> word=(p+1)|(word&H)|W|A; goto leads
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
#ifndef M_NOPASS
	   atomic{ if :: slept || word!=w || OWN(word)==0 -> skip :: else -> goto left fi };
	   wakeOne(n);
#endif
left:	   leave(0);
	   goto out;

tries:	   do
	   :: atomic{ co[i]==0 -> i++; if :: i==NC -> i=0; goto inside :: else fi }
	   :: atomic{ co[i]!=0 -> i=0; goto unlock }
	   od;
leads:	   leave(0);
held:	   atomic{ slept=false; aged=false; look=false; ldr=false; w=0; i=0 };
	   do
	   :: atomic{ co[i]==0 -> i++; if :: i==NC -> i=0; goto inside :: else fi }
	   :: atomic{ co[i]!=0 -> i=0; if :: KILLS>0 -> look=true :: true fi; break }
	   od;
	   atomic{ drains[g]=true; join(1,ldr) };
drain:
#ifndef M_NOREAP
	   if
	   :: look ->
		do
		:: atomic{ i<NC && CORPSE(i) -> co[i]=0; cc[i]=0; i++; n=1 }
		:: atomic{ i<NC && !CORPSE(i) -> i++ }
		:: atomic{ i==NC -> i=0; break }
		od;
		if :: n -> ringall(); atomic{ n=0 } :: else fi
	   :: else
	   fi;
#endif
	   atomic{ dr=dr|1; w=dr; i=0 };
	   do
	   :: atomic{ co[i]==0 -> i++; if :: i==NC -> i=0; goto drained :: else fi }
	   :: atomic{ co[i]!=0 -> i=0; look=false; break }
	   od;
	   if :: atomic{ !ldr -> parked[g]=true; goto dfollow } :: ldr fi;
	   if
	   :: atomic{ CAN(g) -> goto quits }
	   :: atomic{ dr==w -> SLEEP(1,w) }
	   :: atomic{ dr!=w -> w=0; goto drain }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; w=0; goto drain }
	   :: atomic{ LOOK -> UP; look=true; w=0; goto drain }
	   :: atomic{ CANCELLED -> NOMORE; goto quits }
	   fi;
dfollow:   if
	   :: atomic{ APPOINTED(1) -> parked[g]=false; ldr=true; w=0; goto drain }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto quits }
	   fi;
quits:	   leave(1);
	   atomic{ drains[g]=false; w=0; look=false; ldr=false };
#ifdef M_NOSTEP
	   goto out;
#else
	   goto unlock;
#endif
drained:   leave(1);
	   atomic{ drains[g]=false; w=0; look=false; ldr=false };
inside:	   atomic{ assert(READERS==0 && WRITERS==0); inw[p]=true; progress(); assert((word&A) || !lost) };
	   if :: atomic{ word&A -> word=word&~A; lost=false } :: true fi;
unlock:	   atomic{ inw[p]=false; n=word&BITS; word=word&(A|H) };
	   if :: n -> wakeOne(n) :: else fi;
out:	   atomic{ w=0;n=0;i=0;slept=false;aged=false;look=false;ldr=false }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); w=0;n=0;i=0;r=0;slept=false;aged=false;look=false;ldr=false; drains[g]=false } }
}

#ifdef M_NOOPEN
#define OPENS false
#else
#define OPENS (look && WDEAD)
#endif
/* is no writer there? ends a dead one */
inline open(yes) {
	if
	:: atomic{ OWN(word)==0 -> yes=true }
	:: atomic{ OPENS -> word=(word&H)|A }; wakeOne(n); atomic{ yes=true }
	:: atomic{ OWN(word)!=0 && !OPENS -> yes=false }
	fi }

inline exit() {
	atomic{ i=0 };
	do
	:: atomic{ co[i]==p+1 -> cc[i]--; n=(cc[i]==0); if :: n -> co[i]=0 :: else fi; i=0; break }
	:: atomic{ co[i]!=p+1 -> i++; assert(i<NC) }
	od;
#ifdef M_NORING
	if
	:: n && !yes -> atomic{ n=0 }
	:: n && yes -> ringall(); atomic{ n=0 }
#else
	if
	:: n -> ringall(); atomic{ n=0 }
#endif
	:: !n
	fi }

#define TAKEABLE(i) (co[i]==0 || co[i]==p+1 || (look && CORPSE(i)))
#define NONE (!ANY(TAKEABLE))

/* v: 0 inside, 1 barred, 2 crowded */
inline try() {
	open(yes);
	if
	:: yes ->
		/* any place of the process, then a free one, then a dead one's */
		if
		:: atomic{ co[0]==p+1 -> cc[0]++; v=0 }
#if NC>1
		:: atomic{ co[1]==p+1 -> cc[1]++; v=0 }
		:: atomic{ co[0]!=p+1 && co[1]!=p+1 && co[1]==0 -> co[1]=p+1; cc[1]=1; v=0 }
		:: atomic{ co[0]!=p+1 && co[1]!=p+1 && co[0]==0 -> co[0]=p+1; cc[0]=1; v=0 }
		:: atomic{ look && CORPSE(1) && co[0]!=0 && co[0]!=p+1 -> co[1]=p+1; cc[1]=1; v=0 }
#else
		:: atomic{ co[0]==0 -> co[0]=p+1; cc[0]=1; v=0 }
#endif
		:: atomic{ look && CORPSE(0) && co[NC-1]!=p+1 && (NC==1 || co[NC-1]!=0) -> co[0]=p+1; cc[0]=1; v=0 }
		:: atomic{ NONE -> v=2 }
		fi;
		if
		:: v==0 ->
#ifndef M_NORECHECK
			open(yes);
			if
			:: !yes -> exit(); atomic{ v=1 }
			:: yes
			fi
#endif
		:: else
		fi
	:: !yes -> v=1
	fi;
	atomic{ yes=false } }

proctype Rd(byte g; byte p) provided (CANRUN(p)) {
	byte w,i,n,r,v; bool slept,aged,look,ldr,yes;
	{
	do
	:: atomic{ r<ROUNDS -> r++ };
	   try();
	   if :: KILLS>0 -> look=true :: true fi;
next:	   if :: v==0 -> goto inside :: v==1 -> goto barred :: v==2 -> goto crowded fi;

barred:	   atomic{ join(0,ldr) };
again:	   try();
	   if :: v!=1 -> goto passon :: else fi;
	   atomic{
		if :: HAND && !aged -> aged=true :: true fi;
		w=word; look=false;
		if
		:: OWN(word)==0 -> w=0; if :: CAN(g) -> w=255; goto leaves :: goto again fi
		:: else -> word=word|W|(aged->H:0); w=word
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
#ifndef M_NOPASS
	   atomic{ if :: slept || word!=w || OWN(word)==0 -> skip :: else -> goto left fi };
	   wakeOne(n);
#endif
left:	   leave(0);
	   goto out;
passon:
#ifndef M_NORPASS
	   if
	   :: slept ->
		atomic{ slept=false; if :: aged && (word&H) -> word=word&~H :: else fi };
		wakeOne(n)
	   :: else
	   fi;
#endif
	   leave(0);
	   atomic{ ldr=false; slept=false; w=0; goto next };

crowded:   atomic{ join(1,ldr) };
seek:	   atomic{ dr=dr|1; w=dr };
#ifndef M_NOLOOK
	   try();
	   if :: v!=2 -> goto found :: else fi;
#endif
	   atomic{ look=false; if :: !ldr -> parked[g]=true; goto cfollow :: else fi };
	   if
	   :: atomic{ CAN(g) -> goto cleft }
	   :: atomic{ dr==w -> SLEEP(1,w) }
	   :: atomic{ dr!=w -> w=0; goto retry }
	   fi;
	   if
	   :: atomic{ WOKEN -> on[g]=0; w=0; goto retry }
	   :: atomic{ LOOK -> UP; look=true; w=0; goto retry }
	   :: atomic{ CANCELLED -> NOMORE; goto cleft }
	   fi;
cfollow:   if
	   :: atomic{ APPOINTED(1) -> parked[g]=false; ldr=true; w=0; goto retry }
	   :: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	   fi;
retry:
#ifdef M_NOLOOK
	   try();
	   if :: v!=2 -> goto found :: else fi;
#endif
	   goto seek;
cleft:	   leave(1);
	   goto out;
found:	   leave(1);
	   atomic{ ldr=false; w=0; goto next };

inside:	   atomic{ v=0; look=false; assert(WRITERS==0); inr[p]++; progress(); assert((word&A) || !lost) };
	   atomic{ inr[p]--; yes=true };
	   exit();
out:	   atomic{ w=0;n=0;i=0;v=0;slept=false;aged=false;look=false;ldr=false;yes=false }
	:: atomic{ else -> r=0; done[g]=true; progress(); break }
	od
	} unless { GONE(p); w=0;n=0;i=0;r=0;v=0;slept=false;aged=false;look=false;ldr=false;yes=false } }
}

#define RUNG(g,p) if :: ISW(g) -> run Wr(g,p) :: else -> run Rd(g,p) fi
init{ atomic{
	RUNG(0,0);
#if G0>1
	RUNG(1,0);
#endif
#if G0>2
	RUNG(2,0);
#endif
#if NP>1
	RUNG(G0,1);
#endif
#if NP>2
	RUNG(G0+1,2);
#endif
	run Killer(); run Monitor(); run Watch() } }
