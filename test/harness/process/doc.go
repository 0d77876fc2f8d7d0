// Package process runs other programs and promises that none of them outlives
// the program that started it.
//
// Tests and demos start dozens of servers, and the ways in which such a run
// ends are not all polite: a panic, a timeout of the test runner, a SIGKILL, a
// closed terminal. Cleaning up in a deferred function covers the polite ones
// only, so three independent means are used:
//
//   - every child leads its own process group, so that its own children are
//     killed with it, and a Ctrl-C in the terminal reaches only us;
//   - on Linux the kernel kills the child when its parent goes (Pdeathsig).
//     That signal follows the thread that forked, not the process, so all
//     forks are made by one goroutine that keeps its thread for ever;
//   - a small shell, the watchdog, reads a pipe from us. When the pipe closes,
//     for whatever reason, it kills the process groups that are left, moves
//     their logs to where they were asked to be kept, and removes the folders
//     of the run.
package process
