package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Commands runs programs on files that are complete: no shell, a few at a time, each for a
// bounded time, and only programs that are allowed.
type Commands struct {
	o     CommandOptions
	queue chan command
	group sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc

	mu     sync.Mutex // of queue, which is closed once
	closed bool

	ran, failed, dropped atomic.Uint64
}

// CommandOptions say what may run, and for how long.
type CommandOptions struct {
	Allowed []string      // absolute paths of programs
	Limit   int           // programs at a time; 0 is 2
	Timeout time.Duration // of each; 0 is a minute
	Failed  func(error)   // told what went wrong; nil is nobody
}

// command is a program with its arguments.
type command []string

// waiting is how many programs can wait to run.
const waiting = 1024

// NewCommands starts what runs programs. Close ends it.
func NewCommands(o CommandOptions) *Commands {
	if o.Limit == 0 {
		o.Limit = 2
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	c := &Commands{o: o, queue: make(chan command, waiting)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	for range o.Limit {
		c.group.Add(1)
		go c.work()
	}
	return c
}

// Hook returns a function that has a program run on a file, with its path after the other
// arguments. It does not wait. It fails if the program is not allowed.
func (c *Commands) Hook(argv []string) (func(path string), error) {
	if len(argv) == 0 {
		return nil, errors.New("command is empty: name a program")
	}
	if !filepath.IsAbs(argv[0]) || !slices.Contains(c.o.Allowed, argv[0]) {
		return nil, fmt.Errorf("command %s is not allowed: list it by its absolute path", argv[0])
	}
	return func(path string) {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs // which no option begins like
		}
		c.Start(append(slices.Clone(argv), path))
	}, nil
}

// Start has a program run that is known to be allowed, with its arguments. It does not wait.
func (c *Commands) Start(argv []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		select {
		case c.queue <- argv:
			return
		default:
		}
	}
	c.dropped.Add(1)
	c.o.Failed(fmt.Errorf("command %s: too many wait to run: left out", command(argv)))
}

func (c *Commands) work() {
	defer c.group.Done()
	for argv := range c.queue {
		if c.ctx.Err() != nil {
			c.dropped.Add(1)
			continue
		}
		c.ran.Add(1)
		if err := c.run(argv); err != nil {
			c.failed.Add(1)
			c.o.Failed(fmt.Errorf("command %s: %w", argv, err))
		}
	}
}

// run runs a program in a process group of its own, all of which ends with its time.
func (c *Commands) run(argv command) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.o.Timeout)
	defer cancel()
	p := exec.CommandContext(ctx, argv[0], argv[1:]...)
	said := &head{}
	p.Stderr = said
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) }
	p.WaitDelay = time.Second
	err := p.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("ended after %v: %w", c.o.Timeout, ctx.Err())
	case said.Len() > 0:
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return err
}

func (a command) String() string { return strings.Join(a, " ") }

// head keeps the beginning of what it is written.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	const most = 512
	h.Buffer.Write(b[:min(len(b), most-h.Len())])
	return len(b), nil
}

// CommandStats is what became of files that are complete.
type CommandStats struct {
	Ran     uint64 `json:"ran"`     // programs started
	Failed  uint64 `json:"failed"`  // programs that could not start, failed or took too long
	Dropped uint64 `json:"dropped"` // programs not started because too many were waiting, or for shutdown
}

// Stats returns what became of files so far. Any goroutine may ask.
func (c *Commands) Stats() CommandStats {
	return CommandStats{c.ran.Load(), c.failed.Load(), c.dropped.Load()}
}

// Close waits until all programs have ended. When ctx ends first, those that run are killed
// and those that wait are dropped.
func (c *Commands) Close(ctx context.Context) error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { c.group.Wait(); close(done) }()
	select {
	case <-done:
		c.stop()
		return nil
	case <-ctx.Done():
		c.stop()
		<-done
		return fmt.Errorf("commands did not end in time: %w", ctx.Err())
	}
}
