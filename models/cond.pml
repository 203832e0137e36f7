/* sem.Cond: q | N | W, and the lot's bequest (base, budget). The user's mutex is a robust lock in one step.
 * All goroutines but the last wait for an item each (WaitFor); the last process puts ITEMS there, one by one, each with a
 * Signal, or with BROADCAST all, with one Broadcast.
 * The kernel wakes the sleeper that came first, which for words that only grow is one that sleeps on
 * the oldest; with ANYORDER it wakes any.
 *
 * Promises: every signal reaches one who waits, so with as many items as waiters all end, without a slice;
 * at rest no item lies beside one who waits, whoever has died.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC    a successor is appointed before the leader leaves
 *	M_NOHAND    a leader hands its base to its successor
 *	M_HANDSAME  … moved on by the signal that it takes (out: the base as it is)
 *	M_HANDALL   … by no more than that signal (out: the successor waits for new ones)
 *	M_LATEANN   the waiter announces with the mutex held
 *	M_WGONE     Signal keeps W
 *	M_WOFF      Signal that woke nobody leaves W (out: it takes W away and wakes nobody)
 *	M_NOTICK    the slice makes leaders return
 *	M_NOBUDGET  … and hands its budget on
 *	M_CANCELHAND a cancelled leader hands its base on */
#ifndef ITEMS
#define ITEMS (NG-1)
#endif
#ifndef BROADCAST
#define BROADCAST 0
#endif
#define W 1
#define N 2
#define Q(x) ((x)>>2)
#define J 8
#define NW 1
#define WORD(k) cw
#ifdef M_NOTICK
#define STALE(g) false
#else
#define STALE(g) (items>0) /* in truth always; with no item a look changes nothing, and TICKS has those */
#endif
#define LEGIT(g) (items==0)
#define died(q) skip
byte cw, mu, items, made;
byte hb[4]; bool hbud[4]; bool handed[4];  /* what is left in the lot for a successor, by process */
#include "lot.pmh"

/* FUTEX_WAKE of the one that came first */
#define OLDEST(g) (slp[g] && \
	!(slp[0] && Q(on[0])<Q(on[g])) && !(NG>1 && slp[1%NG] && Q(on[1%NG])<Q(on[g])) && !(NG>2 && slp[2%NG] && Q(on[2%NG])<Q(on[g])) && !(NG>3 && slp[3%NG] && Q(on[3%NG])<Q(on[g])))
inline wakeOldest(n) {
#ifdef ANYORDER
	wake1(0,n)
#else
	atomic{ n=1; if
	:: OLDEST(0) -> slp[0]=0
#if NG>1
	:: OLDEST(1) -> slp[1]=0
#endif
#if NG>2
	:: OLDEST(2) -> slp[2]=0
#endif
	:: else -> n=0
	fi }
#endif
}
#define LOCK mu==0 || !ALIVE(mu) -> mu=p+1
inline hand(bud) {
#ifdef M_NOHAND
	skip
#else
#ifdef M_HANDSAME
	hb[p]=base;
#elif defined(M_HANDALL)
	hb[p]=Q(cw);
#else
	hb[p]=base+(((Q(cw)-base)>0 && (Q(cw)-base)<J) -> 1 : 0);
#endif
	handed[p]=true; hbud[p]=bud
#endif
}

proctype Wt(byte g; byte p) provided (CANRUN(p)) {
	byte w,base; bool ldr,ended;
	{
	w=0;
look:	atomic{ LOCK };
check:	atomic{
		if
		:: items>0 -> items--; progress(); mu=0; goto out
		:: items==0 && ended -> mu=0; goto out
		:: else
		fi;
#ifndef M_LATEANN
		cw=cw|N; base=Q(cw)
#endif
		};
	atomic{ mu=0 };
#ifdef M_LATEANN
	atomic{ cw=cw|N; base=Q(cw) };
#endif
	atomic{ if :: Q(cw)!=base -> goto back :: else fi }; /* it spins */
	atomic{ join(0,ldr) };
again:	atomic{
		if
		:: Q(cw)!=base -> if :: ldr -> hand(false) :: !ldr fi; goto left
		:: else -> cw=cw|W; w=cw
		fi;
		if :: !ldr -> parked[g]=true; goto follow :: else fi };
	if
	:: atomic{ CAN(g) -> goto cancel }
	:: atomic{ cw==w -> SLEEP(0,w) }
	:: atomic{ cw!=w -> goto again }
	fi;
	if
	:: atomic{ WOKEN -> on[g]=0; goto again }
	:: atomic{ LOOK -> UP;
#ifdef M_NOBUDGET
		hand(false);
#else
		hand(true);
#endif
		goto left }
	:: atomic{ CANCELLED -> NOMORE; goto cancel }
	fi;
follow:	if
	:: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true;
		if
		:: handed[p] -> handed[p]=false; base=(hb[p]>base -> hb[p] : base);
			if :: hbud[p] -> hbud[p]=false; hand(false); goto left :: else fi
		:: else
		fi; goto again }
	:: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; ended=true; goto back }
	fi;
cancel:	atomic{ if :: Q(cw)==base -> ended=true;
#ifndef M_CANCELHAND
			hb[p]=base; hbud[p]=false; handed[p]=true;
#endif
			goto left
		:: else -> goto again
		fi };
left:	atomic{ leave(0); if :: LD(0,p)==0 -> handed[p]=false; hb[p]=0; hbud[p]=false :: else fi };
back:	atomic{ w=0; base=0; ldr=false; goto look };
out:	atomic{ w=0;base=0;ldr=false;ended=false; done[g]=true; progress() }
	} unless { GONE(p); w=0;base=0;ldr=false;ended=false } }
}

proctype Sg(byte g; byte p) provided (CANRUN(p)) {
	byte i,n;
	{
	do
	:: i<ITEMS -> atomic{ LOCK };
	   atomic{ progress();
#if BROADCAST
		items=items+ITEMS; made=ITEMS; i=ITEMS
#else
		items++; made++; i++
#endif
		};
	   atomic{ mu=0 };
	   atomic{ if
		:: !(cw&(N|W)) -> goto next
#if BROADCAST
		:: else -> n=cw&W; cw=(cw&~(N|W))+4*J
#else
#ifdef M_WGONE
		:: else -> n=cw&W; cw=(cw&~(N|W))+4
#else
		:: else -> n=cw&W; cw=(cw&~N)+4
#endif
#endif
		fi };
#if BROADCAST
	   if :: n -> wakeall(0) :: else fi;
#else
	   if
	   :: n -> wakeOldest(n);
		if
#ifdef M_WOFF
		:: n==0 -> atomic{ cw=cw&~W }
#else
		:: n==0 -> /* for a while in vain: it broadcasts */
			atomic{ if :: cw&(N|W) -> n=cw&W; cw=(cw&~(N|W))+4*J :: else -> goto next fi };
			if :: n -> wakeall(0) :: else fi
		:: n==0
#endif
		:: n
		fi
	   :: !n
	   fi;
#endif
next:	   atomic{ n=0 }
	:: else -> i=0; done[g]=true; progress(); break
	od
	} unless { GONE(p); i=0;n=0 } }
}

init{ atomic{
	run Wt(0,0);
#if G0>1
	run Wt(1,0);
#endif
#if G0>2
	run Wt(2,0);
#endif
#if NP>2
	run Wt(G0,1);
#endif
	run Sg(NG-1,NP-1);
	run Killer(); run Monitor(); run Watch() } }
