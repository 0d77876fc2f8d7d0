package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// needleForms are the forms in which a key is looked for.
var needleForms = [...]string{"raw", "PEM", "base64 of PEM"}

// keySearch is what a search for keys found.
type keySearch struct {
	// keys is the number of private keys that were found in any form.
	keys int
	// forms counts them by form.
	forms [len(needleForms)]int
	// alive and gone say whether what was planted was found.
	alive, gone bool
}

// String tells what was found.
func (s keySearch) String() string {
	if s.keys == 0 {
		return "none"
	}
	text := fmt.Sprintf("%d keys", s.keys)
	for i, n := range s.forms {
		if n > 0 {
			text += fmt.Sprintf(", %d %s", n, needleForms[i])
		}
	}
	return text
}

// keySearcher looks for keys, and for what is planted.
func keySearcher(keys ...needles) (*searcher, error) {
	patterns := [][]byte{plant(plantedLive), plant(plantedDropped)}
	for _, k := range keys {
		patterns = append(patterns, k.scalar, k.text, k.encoded)
	}
	return newSearcher(patterns)
}

// judgeKeys says what the indexes of keySearcher mean.
func judgeKeys(found map[int]int) keySearch {
	var s keySearch
	seen := map[int]bool{}
	for i := range found {
		switch i {
		case 0:
			s.alive = true
		case 1:
			s.gone = true
		default:
			s.forms[(i-2)%len(needleForms)]++
			seen[(i-2)/len(needleForms)] = true
		}
	}
	s.keys = len(seen)
	return s
}

// heapKeys looks for keys in a heap dump and removes it. The dump has all
// objects that were alive at the last collection or made since; that is checked
// by what was planted.
func heapKeys(s *searcher, dump string) (keySearch, error) {
	defer func() { _ = os.Remove(dump) }()
	found, err := s.searchFile(dump)
	if err != nil {
		return keySearch{}, err
	}
	result := judgeKeys(found)
	switch {
	case !result.alive:
		return result, errors.New("the heap dump does not show what is alive: this figure would mean nothing")
	case result.gone:
		return result, errors.New("the heap dump shows what is not alive: this figure would mean nothing")
	}
	return result, nil
}

// memoryKeys looks for keys in all of a process's writable memory, garbage
// included. The process stands still meanwhile.
func memoryKeys(s *searcher, pid int) (keySearch, error) {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return keySearch{}, fmt.Errorf("pausing process %d: %w", pid, err)
	}
	found, err := s.searchProcess(pid)
	if err := errors.Join(err, syscall.Kill(pid, syscall.SIGCONT)); err != nil {
		return keySearch{}, fmt.Errorf("searching process %d: %w", pid, err)
	}
	return judgeKeys(found), nil
}
