package sem

import "errors"

// ErrUninitialized is the answer of a primitive that needs a number before its Init has been called.
var ErrUninitialized = errors.New("sem: not initialized: call Init first, in Config.Init of the segment")

// ErrBroken is the answer of Barrier.Wait when the round has been broken: by the death of a party, by one
// whose context ended or whose action failed, by Abort or Reset. The barrier is broken until Reset.
var ErrBroken = errors.New("sem: barrier is broken: a party has died or given up, or it was aborted; Reset makes it usable again")
