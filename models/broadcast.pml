/* ringbuf.Broadcast: one publisher, that dies and has a successor, and two subscribers that join when they like; NS slots, ITEMS
 * items. OVERRUN: slow subscribers miss items; else the publisher waits for them. FROM: 0 they begin at the end, 1 at the oldest
 * item, 2 either. KILLS processes are killed between any two shared steps: as they publish, take over, join, read, bury.
 * MARKS: what is counted, as of messages, is kept in two marks each for tail and oldest; a message takes one slot here.
 *
 * A wait is ideal here: whoever finds nothing to do goes on when there is something. The bell that the code waits by is in
 * bounded, rwmutex, barrier and waitgroup. Places are not fought for: each subscriber has its own.
 *
 * Promises: what a subscriber takes was committed at that position, and is whole; who is waited for misses nothing from where it
 * has joined; it joins no later than at the end that there is when it has; counts are true; at rest nobody waits who
 * has something to do, and so nobody waits for the dead.
 *
 * Ingredients that can be taken out:
 *	M_NOJOINS    the publisher looks at Joins behind its announcement
 *	M_EARLYJOINS it looks at it behind the announcement (out: before)
 *	M_NOLOOK     who joins looks at oldest behind Joins
 *	M_JOINSFIRST the place is active before Joins moves on (out: behind it)
 *	M_LATEANN    oldest is announced before its place is written to
 *	M_NOTORN     who may be overrun looks at oldest behind the copy
 *	M_NOBURY     who is held up by the dead frees their places
 *	M_BURYALIVE  and only theirs
 *	M_ONEMARK    with MARKS: two marks, in turn
 *	M_MARKLATE   with MARKS: they are written before their word
 *	M_WORDONCE   with MARKS: the word is loaded again behind the count */
#ifndef NS
#define NS 2
#endif
#ifndef ITEMS
#define ITEMS 4
#endif
#ifndef OVERRUN
#define OVERRUN 0
#endif
#ifndef FROM
#define FROM 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef MARKS
#define MARKS 0
#endif
#define START NS /* before it nothing was put, so that a lap back is a position */
#define END (START+ITEMS)
#define IX(x) ((x)%NS)

byte lo[NS], hi[NS];               /* an item, in two halves */
byte tail=START, oldest=START, joins;
bool act[2]; byte own[2], pos[2]; /* the places */
byte pub;                          /* who has the publisher's end */
bool shut;
byte la[2]=START, lc[2]=START, fa[2]=START, fc[2]=START; /* marks: At, Count */
bool dead[5], over[5];
byte kills;
byte com[END+1];                   /* ghost: what was committed there */
bool inn[2];                        /* ghost: has joined, and is not dead */

#define KILL :: atomic{ kills<KILLS -> kills++; goto die }
#define ROOM(x) (OVERRUN || ((!act[0] || pos[0]+NS>x) && (!act[1] || pos[1]+NS>x)))
#define ORPHAN(i) (act[i] && dead[own[i]])

proctype Publisher(byte me) {
	byte x, v, first, seen, limit, m, i;
start:	if :: atomic{ pub==0 || dead[pub] -> pub=me } KILL fi;
	/* resume */
	if :: atomic{ x=tail; first=oldest; seen=joins-1; limit=x; v=0 } KILL fi;
#if MARKS
	if :: atomic{ m=(fa[1]==first -> 1 : 0) } KILL fi;
#endif
	do
	:: atomic{ x==END -> v=0; goto fin }
	:: atomic{ x<END -> skip };
again:
#if OVERRUN
	   skip;
#else
	   if
	   :: atomic{ if :: joins!=seen || limit<x+1 -> seen=joins; limit=x+NS; i=0 :: else -> i=2 fi }
	   KILL
	   fi;
	   do
	   :: atomic{ i<2 -> if :: act[i] && pos[i]+NS<limit -> limit=pos[i]+NS :: else fi; assert(!act[i] || pos[i]<=x || !inn[i]); i++ }
	   :: atomic{ i>=2 -> i=0; break }
	   KILL
	   od;
	   if
	   :: atomic{ limit>=x+1 -> skip }
	   :: atomic{ limit<x+1 -> goto held }
	   fi;
#endif
#ifdef M_EARLYJOINS
	   if :: atomic{ if :: joins!=seen && !OVERRUN -> goto again :: else fi } KILL fi;
#endif
#ifndef M_LATEANN
announce:
#if MARKS
	   if
	   :: atomic{ first<x+1-NS ->
#ifndef M_ONEMARK
	      m=1-m;
#endif
#ifndef M_MARKLATE
	      fc[m]=x+1-NS };
	      if :: atomic{ fa[m]=x+1-NS } KILL fi
#else
	      first=x+1-NS; oldest=first };
	      if :: atomic{ fc[m]=x+1-NS } KILL fi;
	      if :: atomic{ fa[m]=x+1-NS } KILL fi
#endif
	   :: atomic{ first>=x+1-NS -> skip }
	   KILL
	   fi;
#endif
	   if :: atomic{ if :: first<x+1-NS -> first=x+1-NS; oldest=first :: else fi } KILL fi;
#endif
#if !defined(M_NOJOINS) && !defined(M_EARLYJOINS)
	   if
	   :: atomic{ joins!=seen && !OVERRUN -> goto again }
	   :: atomic{ joins==seen || OVERRUN -> skip }
	   KILL
	   fi;
#endif
	   if :: atomic{ v=x*4+me; lo[IX(x)]=v } KILL fi;
	   if :: atomic{ hi[IX(x)]=v } KILL fi;
#ifdef M_LATEANN
	   if :: atomic{ if :: first<x+1-NS -> first=x+1-NS; oldest=first :: else fi } KILL fi;
#endif
#if MARKS
#ifdef M_ONEMARK
	   i=0;
#else
	   atomic{ i=(x+1-START)%2 };
#endif
	   if :: atomic{ lc[i]=x+1 } KILL fi;
	   if :: atomic{ la[i]=x+1; i=0 } KILL fi;
#endif
	   if :: atomic{ com[x]=v; x++; tail=x; v=0 } KILL fi /* commit */
#if !OVERRUN
	   ; goto next;
held:	   /* it asks who lives, and frees the places of the dead */
	   if
#ifndef M_NOBURY
	   :: atomic{ act[0] && pos[0]+NS<x+1 && (dead[own[0]]
#ifdef M_BURYALIVE
	      || true
#endif
	      ) -> i=0 }
	   :: atomic{ act[1] && pos[1]+NS<x+1 && (dead[own[1]]
#ifdef M_BURYALIVE
	      || true
#endif
	      ) -> i=1 }
#endif
	   :: atomic{ ROOM(x) -> i=2 }
	   KILL
	   fi;
	   if
	   :: atomic{ i==2 -> goto again }
	   :: atomic{ i<2 ->
	      if :: act[i] -> own[i]=0; act[i]=false :: else fi;
	      limit=0; i=0; goto again }
	   KILL
	   fi;
next:	   skip
#endif
	od;
die:	atomic{ dead[me]=true };
fin:	atomic{ if :: !dead[me] -> shut=true :: else fi; over[me]=true; x=0; v=0; first=0; seen=0; limit=0; m=0; i=0 }
}

/* the count at a word: one of the two marks fits it, or it has moved on meanwhile */
#if MARKS
#ifdef M_WORDONCE
#define STILL(word) true
#else
#define STILL(word) (word==at)
#endif
#define COUNT(word, A, C) \
	atomic{ n=0; k=2 }; \
	if \
	:: atomic{ A[0]==at -> k=0 } \
	:: atomic{ A[0]!=at -> skip } \
	KILL \
	fi; \
	if \
	:: atomic{ k==2 && A[1]==at -> k=1 } \
	:: atomic{ k!=2 || A[1]!=at -> skip } \
	KILL \
	fi; \
	if :: atomic{ if :: k<2 -> n=C[k] :: else fi } KILL fi; \
	if :: atomic{ assert(k<2 || word!=at); ok=(k<2 && STILL(word)); assert(!ok || n==at); n=0; k=0 } KILL fi
#else
#define COUNT(word, A, C) atomic{ ok=true }
#endif

proctype Subscriber(byte me; byte i) {
	byte p, t, at, a, b, n, k;
	bool ok;
	/* join: the place is claimed */
	if :: atomic{ own[i]=me } KILL fi;
from:	if
#if FROM!=1
	:: atomic{ at=tail }; COUNT(tail, la, lc)
#endif
#if FROM!=0
	:: atomic{ at=oldest }; COUNT(oldest, fa, fc)
#endif
	KILL
	fi;
	atomic{ if :: !ok -> goto from :: else fi; p=at; at=0; ok=false };
	if :: atomic{ pos[i]=p } KILL fi;
#ifdef M_JOINSFIRST
	if :: atomic{ joins++ } KILL fi;
	if :: atomic{ act[i]=true } KILL fi;
#else
	if :: atomic{ act[i]=true } KILL fi;
	if :: atomic{ joins++ } KILL fi;
#endif
#ifndef M_NOLOOK
look:	if
	:: atomic{ p>=oldest -> goto joined }
	:: atomic{ p<oldest -> at=oldest };
	   COUNT(oldest, fa, fc);
	   atomic{ if :: !ok -> goto look :: else fi; p=at; at=0; ok=false };
	   if :: atomic{ pos[i]=p } KILL fi;
	   goto look
	KILL
	fi;
joined:
#endif
	atomic{ inn[i]=true; assert(p<=tail) };
	do
	::
	   if
	   :: atomic{ tail!=p -> t=tail }
	   :: atomic{ shut && tail==p -> goto leave }
	   KILL
	   fi;
#if OVERRUN
lost:	   if
	   :: atomic{ p>=oldest -> skip }
	   :: atomic{ p<oldest -> at=oldest };
	      COUNT(oldest, fa, fc);
	      atomic{ if :: !ok -> goto lost :: else fi; p=at; at=0; ok=false; t=0 }; /* it says that it has missed so many */
	      if :: atomic{ pos[i]=p } KILL fi;
	      goto next
	   KILL
	   fi;
#endif
	   if :: atomic{ a=lo[IX(p)] } KILL fi;
	   if :: atomic{ b=hi[IX(p)] } KILL fi;
#if OVERRUN && !defined(M_NOTORN)
	   if
	   :: atomic{ p<oldest -> a=0; b=0; goto lost }
	   :: atomic{ p>=oldest -> skip }
	   KILL
	   fi;
#endif
	   atomic{ assert(a==b && a==com[p]); a=0; b=0; t=0; p++ };
	   if :: atomic{ pos[i]=p } KILL fi;
next:	   skip
	od;
leave:	if :: atomic{ if :: own[i]==me -> own[i]=0; act[i]=false :: else fi } KILL fi;
	goto fin;
die:	atomic{ dead[me]=true };
fin:	atomic{ inn[i]=false; over[me]=true; p=0; t=0; at=0; a=0; b=0; n=0; k=0; ok=false }
}

/* at rest everybody is done, or is a successor for whom nothing was left to take over */
proctype Monitor() {
	atomic{ timeout -> assert(over[3] && over[4] || (dead[1] && dead[2])); assert(over[1] || over[2]); assert(shut || (dead[1] && dead[2])) }
}

init { atomic{ la[1]=0; fa[1]=0; run Publisher(1); run Publisher(2); run Subscriber(3,0); run Subscriber(4,1); run Monitor() } }
