/* ringbuf.MPMC: its slots, and positions that everybody walks from by himself. Two producers, PUT0 and PUT1 items, and two
 * consumers, NS slots, so that positions wrap around after a few items; SHUT: somebody shuts the ring down at any moment.
 * KILLS processes are killed between any two shared steps: as they put, take, read in place, skip, take over, shut down.
 * MODE: 0 items are copied and then taken, 1 they are taken in place, 2 either. ABORT: a put may be given up. LAPS: bits of a
 * lap in Writing and Reading, told by the lap of `released`; 0: all of them.
 *
 * A wait is ideal here: whoever finds nothing to do goes on when there is something. The bell that the code waits by is in
 * bounded, rwmutex, barrier and waitgroup.
 *
 * Promises: positions are claimed in order, and taken or skipped in order; what is taken was committed, is whole, and is what was put
 * there; a committed item is not skipped; it comes once, or once more for each death; nothing is committed behind
 * io.EOF, and io.EOF comes when all was taken or skipped, and nothing is left with those who were dead by then; nobody
 * alive loses the word that he holds; `released` is true; at rest nobody waits who has something to do.
 *
 * Ingredients that can be taken out:
 *	M_SKIPALIVE  only what a dead one, or nobody, is writing is skipped
 *	M_ABORTFREE  an aborted place stays for the consumer whose turn it is (out: it is Free at once)
 *	M_NOPLANT    the end is a Closed slot (out: the mark and a Free slot)
 *	M_NOBEHIND   who finds nothing looks behind himself
 *	M_EOFBLIND   who finds the end looks behind himself
 *	M_STEAL      only a dead reader's item is taken over
 *	M_FREEFIRST  who takes over holds the slot as he reads (out: it is Free before)
 *	M_TAKEFIRST  copy, then take (out: take, then copy)
 *	M_RELHIGH    released is pushed to what is free (out: to what is taken)
 *	M_OWNLAP     with LAPS: laps are told by released (out: by the own position)
 *	M_NOREMIND   with LAPS: who claims slot 0 pushes released */
#ifndef NS
#define NS 2
#endif
#ifndef PUT0
#define PUT0 1
#endif
#ifndef PUT1
#define PUT1 1
#endif
#ifndef MODE
#define MODE 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef SHUT
#define SHUT 1
#endif
#ifndef ABORT
#define ABORT 0
#endif
#ifndef LAPS
#define LAPS 0
#endif
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define CLOSED 4
#define LAP(x) ((x)/NS)
#define IX(x) ((x)%NS)
#define POSITIONS 10

byte st[NS], lp[NS], ow[NS], dat[NS]; /* the words, and the items */
byte rel;                             /* the hint: all below is free again */
bool shut;
bool dead[6];                         /* by id; 0 is nobody, and counts as dead */
byte kills;
/* ghosts */
byte gl[NS];                          /* the lap that a word stands for */
byte gc, gf;                          /* the next position to be claimed, and to be taken or skipped */
byte put[POSITIONS];                  /* what was put there */
bool com[POSITIONS], fre[POSITIONS];  /* committed; free again */
byte got[POSITIONS];                  /* how often it was read */
bool eof, over[6];                    /* somebody was told the end; who is done */

#define KILL :: atomic{ kills<KILLS -> kills++; goto die }
#define MASK ((1<<LAPS)-1)
#define SIGNED(d) (((d)&MASK) > MASK/2 -> ((d)&MASK)-MASK-1 : ((d)&MASK))
#if LAPS==0
#define OWNED (l-LAP(x_))
#define SHORT(l) (l)
#else
#define SHORT(l) ((l)&MASK)
#ifdef M_OWNLAP
#define OWNED SIGNED(l-LAP(x_))
#else
#define OWNED (LAP(rel)+SIGNED(l-LAP(rel))-LAP(x_))
#endif
#endif
/* the word of x, and by how many laps it is ahead of x */
inline load(x_) { s=st[IX(x_)]; l=lp[IX(x_)]; o=ow[IX(x_)]; a=((s==WRITING || s==READING) -> OWNED : l-LAP(x_)) }
#define SAME(x) (st[IX(x)]==s && lp[IX(x)]==l && ow[IX(x)]==o)
#define MINE(x,S) (st[IX(x)]==S && ow[IX(x)]==me && gl[IX(x)]==LAP(x))
inline word(x_,S,L,O) { st[IX(x_)]=S; lp[IX(x_)]=L; ow[IX(x_)]=O }
inline frees(x_) { word(x_,FREE,LAP(x_)+1,0); gl[IX(x_)]=LAP(x_)+1; fre[x_]=true }
#define TAKES(x) assert(x==gf && gl[IX(x)]==LAP(x)); gf++
#define ORPHAN(i) (st[i]==READING && dead[ow[i]])
#define ORPHANS (ORPHAN(0) || ORPHAN(NS-1))
inline reads(x_) { got[x_]++; assert(dat[IX(x_)]==put[x_] && com[x_] && got[x_]<=1+kills) }

/* there is something to do at a position */
#define ROOM(x) (shut || st[IX(x)]==CLOSED || gl[IX(x)]>=LAP(x))
#define ITEM(x) (st[IX(x)]==CLOSED || gl[IX(x)]>LAP(x) || (gl[IX(x)]==LAP(x) && ((st[IX(x)]==FREE && shut) || st[IX(x)]==READY || \
	st[IX(x)]==READING || (st[IX(x)]==WRITING && dead[ow[IX(x)]]))))

#define CLEAR s=0; l=0; o=0; a=0
proctype Producer(byte me; byte items) {
	byte x, s, l, o, k;
	short a;
	do
	:: atomic{ k==items -> goto done }
	:: atomic{ k<items -> CLEAR };
walk:	   if :: atomic{ shut -> goto done } :: atomic{ !shut } KILL fi;
	   if
	   :: atomic{ load(x);
	      if
	      :: s==FREE && a==0 -> goto claim
	      :: s==FREE && a>0 -> x=(LAP(x)+a-1)*NS+IX(x)+1; goto walk
	      :: s==CLOSED -> goto done
	      :: s!=FREE && s!=CLOSED && a>=0 -> x=(LAP(x)+a)*NS+IX(x)+1; goto walk
	      :: s!=FREE && s!=CLOSED && a==-1 -> goto nofree
	      :: else -> assert(false) /* ErrCorrupt */
	      fi }
	   KILL
	   fi;
nofree:	   atomic{ CLEAR };
endput:	   if :: atomic{ ROOM(x) -> goto walk } KILL fi;
claim:
#if LAPS && !defined(M_NOREMIND)
	   if :: atomic{ if :: IX(x)==0 && LAP(x)>0 && rel<(LAP(x)-1)*NS+1 -> rel=(LAP(x)-1)*NS+1 :: else fi } KILL fi;
#endif
	   if /* killed behind it: skipped */
	   :: atomic{ SAME(x) -> assert(x==gc && gl[IX(x)]==LAP(x)); gc++; put[x]=me*8+k; word(x,WRITING,SHORT(LAP(x)),me); CLEAR }
	   :: atomic{ !SAME(x) -> goto walk }
	   KILL
	   fi;
	   if :: atomic{ dat[IX(x)]=me*8+k } KILL fi;
	   if
	   :: atomic{ assert(MINE(x,WRITING) && !eof); word(x,READY,LAP(x),0); com[x]=true }
#if ABORT
#ifdef M_ABORTFREE
	   :: atomic{ assert(MINE(x,WRITING)); frees(x) }
#else
	   :: atomic{ assert(MINE(x,WRITING)); word(x,WRITING,SHORT(LAP(x)),0) }
#endif
#endif
	   KILL
	   fi;
	   atomic{ x++; k++ }
	od;
die:	atomic{ dead[me]=true };
done:	atomic{ over[me]=true; CLEAR; x=0; k=0 }
}

#ifdef M_SKIPALIVE
#define SKIPS true
#else
#define SKIPS dead[o]
#endif
#ifdef M_STEAL
#define LEFT (s==READING && o!=me)
#else
#define LEFT (s==READING && dead[o])
#endif
proctype Consumer(byte me) {
	byte x, q, s, l, o, v;
	short a;
	bool end, owed;
	do
	:: atomic{ CLEAR; q=0; end=false; owed=false };
walk:	   if
	   :: atomic{ load(x); end=false;
	      if
	      :: s==CLOSED -> assert(a>=0); x=(LAP(x)+a)*NS+IX(x); end=true; goto behind
	      :: s==READY && a==0 && MODE!=1 -> goto copy
	      :: s==READY && a==0 && MODE!=0 -> goto take
	      :: s==WRITING && a==0 && SKIPS -> goto skips
	      :: s==WRITING && a==0 && !SKIPS -> goto behind
	      :: s==READING && a>=0 -> x=(LAP(x)+a)*NS+IX(x)+1; goto walk
	      :: s==FREE && a==0 -> goto marked
	      :: s!=CLOSED && s!=READING && a>0 -> x=(LAP(x)+a-1)*NS+IX(x)+1; goto walk
	      :: s==READING && a==-1 -> goto behind
	      :: else -> assert(false)
	      fi }
	   KILL
	   fi;
copy:
#ifndef M_TAKEFIRST
	   if :: atomic{ v=dat[IX(x)] } KILL fi;
#endif
	   if /* killed behind it: the item is gone with who took it */
	   :: atomic{ SAME(x) -> TAKES(x); frees(x); CLEAR }
	   :: atomic{ !SAME(x) -> v=0; goto walk }
	   KILL
	   fi;
#ifdef M_TAKEFIRST
	   if :: atomic{ v=dat[IX(x)] } KILL fi;
#endif
	   atomic{ got[x]++; assert(v==put[x] && com[x] && got[x]==1); v=0; x++; goto next };
take:	   if /* killed behind it: taken over */
	   :: atomic{ SAME(x) -> TAKES(x); word(x,READING,SHORT(LAP(x)),me); CLEAR; q=x; x++; goto inplace }
	   :: atomic{ !SAME(x) -> goto walk }
	   KILL
	   fi;
skips:	   if
	   :: atomic{ SAME(x) -> TAKES(x); assert(!com[x]); frees(x); x++; CLEAR; goto walk }
	   :: atomic{ !SAME(x) -> goto walk }
	   KILL
	   fi;
marked:	   if :: atomic{ !shut -> goto behind } :: atomic{ shut } KILL fi;
#ifdef M_NOPLANT
	   atomic{ end=true; goto behind };
#else
	   if
	   :: atomic{ SAME(x) -> assert(x==gc && x==gf); word(x,CLOSED,LAP(x),0); goto walk }
	   :: atomic{ !SAME(x) -> goto walk }
	   KILL
	   fi;
#endif
behind:	   atomic{ CLEAR; owed=(x==gf && ORPHANS); q=(x>NS -> x-NS : 0); if :: q<rel -> q=rel :: else fi;
#ifdef M_NOBEHIND
	      q=x;
#endif
#ifdef M_EOFBLIND
	      if :: end -> q=x :: else fi;
#endif
	   };
	   do
	   :: atomic{ q>=x -> goto nothing }
	   :: atomic{ q<x -> load(q);
	      if
	      :: a==0 && LEFT -> goto over_
#ifdef M_RELHIGH
	      :: !(a==0 && LEFT) -> if :: q==rel -> rel=q+1 :: else fi; q++
#else
	      :: a>0 -> if :: q==rel -> assert(fre[q]); rel=q+1 :: else fi; q++
	      :: a<=0 && !(a==0 && LEFT) -> q++
#endif
	      fi; CLEAR }
	   KILL
	   od;
over_:	   if /* killed behind it: taken over again */
#ifdef M_FREEFIRST
	   :: atomic{ SAME(q) -> v=dat[IX(q)]; frees(q); CLEAR };
	      if :: atomic{ got[q]++; v=0; goto next } KILL fi
#else
	   :: atomic{ SAME(q) -> assert(gl[IX(q)]==LAP(q)); word(q,READING,SHORT(LAP(q)),me); CLEAR; goto inplace }
#endif
	   :: atomic{ !SAME(q) -> goto walk }
	   KILL
	   fi;
inplace:   if :: atomic{ reads(q) } KILL fi;
	   if :: atomic{ assert(MINE(q,READING)); frees(q); goto next } KILL fi;
nothing:   atomic{ CLEAR; q=0; assert(!(owed && ORPHANS)); if :: end -> assert(gf==gc); eof=true; goto done :: else fi };
endget:	   if :: atomic{ ITEM(x) || ORPHANS -> goto walk } KILL fi;
next:	   skip
	od;
die:	atomic{ dead[me]=true };
done:	atomic{ over[me]=true; CLEAR; x=0; q=0; v=0; end=false; owed=false }
}

proctype Shutdown() {
#if SHUT
	if :: atomic{ shut=true } KILL fi;
	goto done;
die:	atomic{ dead[5]=true };
#endif
done:	over[5]=true
}

/* at rest: who is not done waits */
#define LOST(i) (com[i] && got[i]==0)
proctype Monitor() {
	byte i;
	atomic{ timeout ->
		/* an item in place is not free before it was read */
		do :: i<POSITIONS -> assert(!(MODE==1 && LOST(i) && fre[i])); i++ :: else -> i=0; break od;
		if
		:: !over[3] || !over[4] -> assert(!shut && gf==gc && !ORPHANS);
			/* what was committed and nobody has read, one that died as it copied has taken */
			do :: i<POSITIONS -> assert(!LOST(i) || (MODE!=1 && kills>0)); i++ :: else -> break od
		:: else
		fi;
		if
		:: !over[1] || !over[2] -> assert(!shut && gl[IX(gc)]<LAP(gc) && over[3] && over[4])
		:: else
		fi }
}

init { atomic{ dead[0]=true; run Producer(1,PUT0); run Producer(2,PUT1); run Consumer(3); run Consumer(4); run Shutdown(); run Monitor() } }
