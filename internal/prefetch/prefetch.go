// Package prefetch asks for cache lines before they are needed.
//
// A compare-and-swap on a line that another CPU has waits for it, and nothing behind it begins before. So a walk
// over lines that are all to be changed waits for one after the other, for as long as a line takes between the
// two CPUs each time; asked for together beforehand they come together.
package prefetch

// Line is the size of a cache line.
const Line = 64
