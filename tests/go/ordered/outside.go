// SPDX-License-Identifier: MIT

// Order through the kernel: descriptors whose other end is in the same process, signals.
package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"

	"gomaptop/tests/service"
)

func init() {
	service.Add("pipe", "a byte through an os.Pipe, and one back", pipe)
	service.Add("pipe_raw", "the same by system calls that block the thread", pipeRaw)
	service.Add("pipe_fifo", "the same through a pipe that has a name", pipeFifo)
	service.Add("tcp", "a byte through a TCP connection with itself", tcp)
	service.Add("tcp_new", "a new TCP connection for each request", tcpNew)
	service.Add("udp", "a datagram to a socket of its own", udp)
	service.Add("unix", "a byte through a unix socket with itself", unix)
	service.Add("unix_new", "a new unix connection for each request", unixNew)
	service.Add("socketpair", "a byte through a pair of sockets", socketpair)
	service.Add("net_pipe", "through a net.Pipe, which is in memory", netPipe)
	service.Add("io_pipe", "through an io.Pipe, which is in memory", ioPipe)
	service.Add("eventfd", "a count through an eventfd", eventfd)
	service.Add("signal_reload", "the process sends itself a signal; who waits for it swaps the map", signalReload)
	service.AddBeyond("signal_self", "the same orders by itself, which the race detector does not know", signalSelf)
	service.AddBeyond("file", "a file that grows; another looks again and again how long it is", file)
	service.AddBeyond("child", "a byte to another process that sends it back", child)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// echo hands a map over and back: by a byte to `to`, which comes out of `from`, and by one to
// `answer`, which comes out of `answered`.
func echo(t *service.Task, to io.Writer, from io.Reader, answer io.Writer, answered io.Reader) {
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		var b [1]byte
		for {
			must(io.ReadFull(from, b[:]))
			m[d.Key()]++
			d.Between(50, 1000)
			m[d.Key()]++
			must(answer.Write(b[:]))
		}
	}()
	t.Every(func(d *service.Dice) {
		var b [1]byte
		m[d.Key()]++
		must(to.Write(b[:]))
		must(io.ReadFull(answered, b[:]))
		m[d.Key()]++
	})
}

func pipe(t *service.Task) {
	r1, w1, err := os.Pipe()
	r2, w2, err2 := os.Pipe()
	must(0, err)
	must(0, err2)
	echo(t, w1, r1, w2, r2)
}

type rawFile int

func (f rawFile) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

func (f rawFile) Write(b []byte) (int, error) {
	return syscall.Write(int(f), b)
}

func pipeRaw(t *service.Task) {
	var there, back [2]int
	must(0, syscall.Pipe2(there[:], syscall.O_CLOEXEC))
	must(0, syscall.Pipe2(back[:], syscall.O_CLOEXEC))
	echo(t, rawFile(there[1]), rawFile(there[0]), rawFile(back[1]), rawFile(back[0]))
}

func pipeFifo(t *service.Task) {
	folder := must(os.MkdirTemp("", "ordered"))
	var files [2]*os.File
	for i := range files {
		path := folder + "/" + service.Keys[i]
		must(0, syscall.Mkfifo(path, 0600))
		files[i] = must(os.OpenFile(path, os.O_RDWR, 0))
	}
	os.RemoveAll(folder)
	echo(t, files[0], files[0], files[1], files[1])
}

// both returns the two ends of a connection with itself.
func both(network, address string) (net.Conn, net.Conn) {
	listener := must(net.Listen(network, address))
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() { accepted <- must(listener.Accept()) }()
	return must(net.Dial(network, listener.Addr().String())), <-accepted
}

func tcp(t *service.Task) {
	a, b := both("tcp", "127.0.0.1:0")
	echo(t, a, b, b, a)
}

func unix(t *service.Task) {
	folder := must(os.MkdirTemp("", "ordered"))
	a, b := both("unix", folder+"/socket")
	os.RemoveAll(folder)
	echo(t, a, b, b, a)
}

// connections hands a new map over by a new connection, each time.
func connections(t *service.Task, network, address string) {
	listener := must(net.Listen(network, address))
	maps := [256]map[string]int{} // an element is used by one at a time
	go func() {
		for {
			c := must(listener.Accept())
			go func() {
				defer c.Close()
				d := service.NewDice()
				var b [1]byte
				must(io.ReadFull(c, b[:]))
				maps[b[0]][d.Key()]++
				d.Between(50, 1000)
				maps[b[0]][d.Key()]++
				must(c.Write(b[:]))
			}()
		}
	}()
	for i := 0; i < 2; i++ {
		n := byte(i)
		t.Every(func(d *service.Dice) {
			b := [1]byte{n}
			maps[n] = map[string]int{d.Key(): 1}
			c := must(net.Dial(network, listener.Addr().String()))
			defer c.Close()
			must(c.Write(b[:]))
			must(io.ReadFull(c, b[:]))
			maps[n][d.Key()]++
			d.Wait()
		})
	}
}

func tcpNew(t *service.Task) {
	connections(t, "tcp", "127.0.0.1:0")
}

func unixNew(t *service.Task) {
	folder := must(os.MkdirTemp("", "ordered"))
	connections(t, "unix", folder+"/socket")
	// The folder stays: each request comes by its name.
}

func udp(t *service.Task) {
	a := must(net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	b := must(net.Dial("udp", a.LocalAddr().String()))
	back := make(chan struct{})
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		var bytes [8]byte
		for {
			if _, err := a.Read(bytes[:]); err == nil {
				m[d.Key()]++
				back <- struct{}{}
			}
		}
	}()
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		must(b.Write([]byte{1}))
		<-back
		m[d.Key()]++
	})
}

func socketpair(t *service.Task) {
	fds := must(syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0))
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "")
		ends[i] = must(net.FileConn(file))
		file.Close()
	}
	echo(t, ends[0], ends[1], ends[1], ends[0])
}

func netPipe(t *service.Task) {
	a, b := net.Pipe()
	echo(t, a, b, b, a)
}

func ioPipe(t *service.Task) {
	r1, w1 := io.Pipe()
	r2, w2 := io.Pipe()
	echo(t, w1, r1, w2, r2)
}

type eventFile int

func (f eventFile) Read(b []byte) (int, error) {
	var count [8]byte
	if _, err := rawFile(f).Read(count[:]); err != nil {
		return 0, err
	}
	return 1, nil // whoever reads has one byte
}

func (f eventFile) Write(b []byte) (int, error) {
	count := [8]byte{1}
	return rawFile(f).Write(count[:])
}

func eventfd(t *service.Task) {
	var files [2]eventFile
	for i := range files {
		fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0)
		if errno != 0 {
			panic(errno)
		}
		files[i] = eventFile(fd)
	}
	echo(t, files[0], files[0], files[1], files[1])
}

func signalReload(t *service.Task) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	var now atomic.Pointer[map[string]int]
	now.Store(&map[string]int{})
	go func() {
		d := service.NewDice()
		for range signals {
			next := map[string]int{d.Key(): 1}
			d.Between(50, 500)
			next[d.Key()]++
			now.Store(&next)
		}
	}()
	t.Every(func(d *service.Dice) {
		_ = (*now.Load())[d.Key()]
		must(0, syscall.Kill(syscall.Getpid(), syscall.SIGUSR2))
	})
	t.Every(func(d *service.Dice) { _ = (*now.Load())[d.Key()] })
}

func signalSelf(t *service.Task) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	back := make(chan struct{})
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		for range signals {
			m[d.Key()]++
			d.Between(50, 1000)
			back <- struct{}{}
		}
	}()
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		must(0, syscall.Kill(syscall.Getpid(), syscall.SIGUSR1))
		<-back
		m[d.Key()]++
	})
}

func file(t *service.Task) {
	f := must(os.CreateTemp("", "ordered"))
	reader := must(os.Open(f.Name()))
	os.Remove(f.Name())
	back := make(chan struct{})
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		var b [1]byte
		for {
			if n, _ := reader.Read(b[:]); n == 0 {
				d.Between(200, 1000)
				continue
			}
			m[d.Key()]++
			back <- struct{}{}
		}
	}()
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		must(f.Write([]byte{1}))
		<-back
		m[d.Key()]++
	})
}

func child(t *service.Task) {
	cat := exec.Command("cat")
	to, from := must(cat.StdinPipe()), must(cat.StdoutPipe())
	must(0, cat.Start())
	m := map[string]int{}
	back := make(chan struct{})
	go func() {
		d := service.NewDice()
		var b [1]byte
		for {
			must(io.ReadFull(from, b[:]))
			m[d.Key()]++
			back <- struct{}{}
		}
	}()
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		must(to.Write([]byte{1}))
		<-back
		m[d.Key()]++
	})
}
