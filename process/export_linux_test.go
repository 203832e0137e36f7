package process

import "runtime"

func goexit() { runtime.Goexit() }
