// Package sem is package sync for processes: locks, semaphores, events and their kin, which goroutines of all
// processes share that have the same memory mapped.
//
// All are plain structs, ready when zeroed (BoundedSemaphore and Barrier need Init), to be used as fields of a
// struct in a shm.Var; but for Bounded, a handle on a segment of its own. Any process may be killed between any two instructions: what it held is found to be the
// dead's and taken over, within 100 ms where somebody waits. Each type says what that means for it.
//
// To wait for … use
//
//	the right to change something     Mutex, RMutex (recursive), RWMutex (many may read)
//	one of n permits                  BoundedSemaphore, Bounded: those of the dead come back
//	a signal that is counted          Semaphore: tokens belong to nobody
//	a flag                            Event
//	a change of what a Mutex guards   Cond
//	each other                        Barrier
//	the end of others' work           WaitGroup
//	a first run                       Once
//
// What blocks takes a context or has a form that does, but for WaitGroup.Enter while others have all claims. A
// call that ends with the context's error has changed nothing, with two exceptions: Barrier.Wait breaks the
// barrier, and Cond.Wait has given its Mutex away meanwhile, and takes it back first, however long that takes.
//
// Close a segment when all calls of this process on what lies in it have returned. To be let go by another
// goroutine's call, by its Unlock, its Release or its arrival at a Barrier, does not mean that this call has
// returned: its last step may still look at the memory. WaitGroup.Wait is what waits for that too.
package sem
