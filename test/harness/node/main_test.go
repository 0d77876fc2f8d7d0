package node_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
)

// roleVariable makes the test binary the program of a container.
const (
	roleVariable = "NODE_TEST_ROLE"
	roleServer   = "server"
	roleTask     = "task"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case roleServer:
		err = serve(os.Args[1:])
	case roleTask:
		err = task(os.Args[1:])
	default:
		os.Exit(runTests(m))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func runTests(m *testing.M) int {
	code := m.Run()
	if run.env != nil {
		if err := run.env.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// task writes a file, or fails the first time it is run.
func task(args []string) error {
	flags := flag.NewFlagSet("task", flag.ContinueOnError)
	flags.String("listen", "", "not used")
	write := flags.String("write", "", "file to write")
	text := flags.String("text", "", "what to write")
	marker := flags.String("fail-unless", "", "file without which to fail; it is made")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *write != "" {
		return os.WriteFile(*write, []byte(*text), 0o600)
	}
	if _, err := os.Stat(*marker); err == nil {
		return nil
	}
	return errors.Join(os.WriteFile(*marker, nil, 0o600), errors.New("failing the first time"))
}

// serve answers questions about what the process was given.
func serve(args []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	listen := flags.String("listen", "", "address to listen on")
	folders := flags.String("files", "", "folders of files to show, with commas")
	flags.String("password", "", "a text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var ready atomic.Bool
	ready.Store(true)
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) { ready.Store(r.FormValue("ready") == "yes") })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) {
		go func() {
			fmt.Println("going down on purpose")
			os.Exit(7)
		}()
	})
	mux.HandleFunc("/flag", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, flags.Lookup(r.FormValue("name")).Value)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		for _, folder := range strings.Split(*folders, ",") {
			if content, err := os.ReadFile(filepath.Join(folder, r.FormValue("path"))); err == nil {
				_, _ = w.Write(content)
			}
		}
	})
	mux.HandleFunc("/whoami", answer(whoAmI))
	mux.HandleFunc("/forbidden", answer(listSecrets))

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		fmt.Println("ended by", <-stop)
		os.Exit(0)
	}()
	return http.ListenAndServe(*listen, mux)
}

func answer(ask func(context.Context, kubernetes.Interface) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		config, err := ctrl.GetConfig()
		if err != nil {
			_, _ = fmt.Fprint(w, err)
			return
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			_, _ = fmt.Fprint(w, err)
			return
		}
		text, err := ask(r.Context(), client)
		if err != nil {
			text = err.Error()
		}
		_, _ = fmt.Fprint(w, text)
	}
}

func whoAmI(ctx context.Context, client kubernetes.Interface) (string, error) {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return review.Status.UserInfo.Username, nil
}

func listSecrets(ctx context.Context, client kubernetes.Interface) (string, error) {
	secrets, err := client.CoreV1().Secrets("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(secrets.Items), " secrets"), nil
}
