package sem

import "errors"

// ErrUninitialized is what a primitive answers that needs a number and has not been given one.
var ErrUninitialized = errors.New("sem: not initialised: call Init, in Config.Init, before the object is shared")
