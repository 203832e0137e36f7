package include_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var sanitizers = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"}

// faulty is the exit code of a C program in which a sanitizer has found something.
const faulty = 99

// What the C program does, it does without an access out of bounds, a leak or undefined behaviour.
func TestSanitized(t *testing.T) {
	needC(t)
	try := exec.Command("cc", append(sanitizers, "-x", "c", "-o", filepath.Join(t.TempDir(), "try"), "-")...)
	try.Stdin = strings.NewReader("int main(void) { return 0; }")
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("this cc has no sanitizers: %v\n%s", err, out)
	}
	path, absent := build("peer.c", sanitizers...)
	if absent != "" {
		t.Fatal(absent)
	}
	t.Setenv("ASAN_OPTIONS", "exitcode=99") // of LeakSanitizer too
	t.Setenv("UBSAN_OPTIONS", "exitcode=99")
	plain := peer
	peer, sanitized = path, true
	defer func() {
		peer, sanitized = plain, false
		fd, _ := strconv.Atoi(filepath.Base(path))
		syscall.Close(fd)
	}()
	for name, f := range map[string]func(*testing.T){
		"items to C": TestItemsToC, "items from C": TestItemsFromC, "items from C to C": TestItemsFromCToC,
		"messages to C": TestMessagesToC, "messages from C": TestMessagesFromC, "ends": TestEndsInC,
		"mutex": TestMutexAnswersInC, "count": TestMutexBetweenCAndGo,
		"values": TestValuesBetweenCAndGo, "arrays": TestArrayBetweenCAndGo, "cells": TestCellsBetweenCAndGo,
		"names": TestNamesRefused, "refusals": TestRefusals, "shapes": TestShapesRefused, "hostile": TestHostileMessages,
	} {
		t.Run(name, f)
	}
}
