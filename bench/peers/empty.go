//go:build ignore

// Empty is the program that does nothing: the least that a new process in Go costs.
package main

func main() {}
