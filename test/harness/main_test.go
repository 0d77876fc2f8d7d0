package harness

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// roleVariable makes the test binary another program: the process of a pod, or
// a run that is to be killed.
const (
	roleVariable = "HARNESS_TEST_ROLE"
	roleWebhook  = "webhook"
	roleRun      = "run"
	runName      = "doomed"
)

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case roleWebhook:
		err = serveWebhook(os.Args[1:])
	case roleRun:
		err = startAndWait(context.Background())
	default:
		err = fmt.Errorf("no such role: %s", role)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// serveWebhook is the process of a webhook's pod: it refuses every object that
// it is asked about, and says so on the port and with the certificate that its
// arguments name.
func serveWebhook(args []string) error {
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	port := flags.Int("secure-port", 8443, "port to serve on")
	certificates := flags.String("cert-dir", "", "folder of tls.crt and tls.key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(w, "no AdmissionReview", http.StatusBadRequest)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{
			UID:    review.Request.UID,
			Result: &metav1.Status{Message: "the pod's process refuses " + review.Request.Name},
		}
		review.Request = nil
		_ = json.NewEncoder(w).Encode(review)
	})
	server := &http.Server{
		Addr: loopback(*port), Handler: mux, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13},
	}
	return server.ListenAndServeTLS(*certificates+"/tls.crt", *certificates+"/tls.key")
}

// startAndWait starts a cluster, says where, and waits to be killed.
func startAndWait(ctx context.Context) error {
	env, err := Start(ctx, Options{ArtifactsDir: os.Getenv("HARNESS_TEST_ARTIFACTS")})
	if err != nil {
		return err
	}
	cluster, err := env.StartCluster(ctx, ClusterOptions{Name: runName})
	if err != nil {
		return errors.Join(err, env.Stop())
	}
	var pids []string
	for _, p := range cluster.processes {
		pids = append(pids, fmt.Sprint(p.Pid()))
	}
	fmt.Println(env.Dir(), strings.Join(pids, " "))
	select {}
}
