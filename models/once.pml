/* sem.Once: owner | W | D. FAILS times the function fails or panics.
 *
 * Promises: one living process at a time is at it, and nobody once it is done; who returns without an error
 * of its own returns after it was done; at rest everybody alive is through, or a stopped one is at it.
 *
 * Ingredients that can be taken out:
 *	M_NOSUCC   a successor is appointed before the leader leaves
 *	M_NOREAP   a dead one is taken over
 *	M_NOGIVEUP who fails frees the word
 *	M_WAKEONE  all are woken when it is done
 *	M_NOWTAKE  W is kept by a take-over */
#ifndef FAILS
#define FAILS 1
#endif
#define W 8
#define D 16
#define OWN(x) ((x)&3)
#define NW 1
#define WORD(k) word
#define STALE(g) (OWN(word)!=0 && !ALIVE(OWN(word)))
#define LEGIT(g) (OWN(word)!=0 && st[OWN(word)-1]==STOP)
#define died(q) in[q]=false
byte word, fails;
bool in[4];
#include "lot.pmh"

#ifdef M_NOREAP
#define REAP false
#else
#define REAP (look && OWN(word)!=0 && !ALIVE(OWN(word)))
#endif
#ifdef M_NOWTAKE
#define BEGIN word=p+1
#else
#define BEGIN word=(p+1)|(word&W)
#endif
inline begin() {
	if
	:: word&D -> over=true; goto left
	:: !(word&D) && (OWN(word)==0 || REAP) -> BEGIN; goto mine
	:: else -> word=word|W; w=word
	fi }

proctype G(byte g; byte p) provided (CANRUN(p)) {
	byte w,n; bool look,ldr,over;
	{
	atomic{ if :: KILLS>0 -> look=true :: true fi; if :: word&D -> over=true; goto out :: else fi };
	atomic{ join(0,ldr) };
again:	atomic{ begin(); look=false; if :: !ldr -> parked[g]=true; goto follow :: else fi };
	if
	:: atomic{ CAN(g) -> goto left }
	:: atomic{ word==w -> SLEEP(0,w) }
	:: atomic{ word!=w -> goto again }
	fi;
	if
	:: atomic{ WOKEN -> on[g]=0; goto again }
	:: atomic{ LOOK -> UP; look=true; goto again }
	:: atomic{ CANCELLED -> NOMORE; goto left }
	fi;
follow:	if
	:: atomic{ APPOINTED(0) -> parked[g]=false; ldr=true; goto again }
	:: atomic{ CAN(g) && foll[g] -> parked[g]=false; foll[g]=0; goto out }
	fi;
mine:	atomic{ assert(!in[0]&&!in[1]&&!in[2]); in[p]=true; progress() };
	leave(0);
	if
	:: atomic{ true -> in[p]=false; n=word&W; word=D }
#ifdef M_NOGIVEUP
	:: atomic{ fails<FAILS -> fails++; in[p]=false; n=0 }
#else
	:: atomic{ fails<FAILS -> fails++; in[p]=false; n=word&W; word=0 }
#endif
	fi;
#ifdef M_WAKEONE
	if :: n -> wake1(0,n) :: else fi;
#else
	if :: n -> wakeall(0) :: else fi;
#endif
	goto out;
left:	atomic{ leave(0); assert(!over || (word&D)) };
out:	atomic{ w=0;n=0;look=false;ldr=false;over=false; done[g]=true; progress() }
	} unless { GONE(p); w=0;n=0;look=false;ldr=false;over=false } }
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
