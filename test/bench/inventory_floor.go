package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

// floorPage is the page size of the floor.
const floorPage = 500

// floorUnderTest is the least that an inventory can do: read the TLS Secrets and
// the Ingresses page by page, one page after another, and parse each leaf. It
// prints how long that took, and the number of certificates.
func floorUnderTest(arguments []string) error {
	started := time.Now()
	flags := flag.NewFlagSet(floorChild, flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := harness.LoadConfig(*kubeconfig)
	if err != nil {
		return err
	}
	client, err := protobufClient(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	certificates, err := readSecrets(ctx, client)
	if err != nil {
		return err
	}
	if err := readIngresses(ctx, client); err != nil {
		return err
	}
	fmt.Printf("%s %f %d\n", wordSynced, time.Since(started).Seconds(), certificates)
	return nil
}

func readSecrets(ctx context.Context, client kubernetes.Interface) (certificates int, err error) {
	options := metav1.ListOptions{Limit: floorPage, FieldSelector: "type=" + string(corev1.SecretTypeTLS)}
	for {
		page, err := client.CoreV1().Secrets("").List(ctx, options)
		if err != nil {
			return 0, fmt.Errorf("listing Secrets: %w", err)
		}
		for i := range page.Items {
			if err := parseLeaf(page.Items[i].Data[corev1.TLSCertKey]); err != nil {
				return 0, fmt.Errorf("the Secret %s/%s: %w", page.Items[i].Namespace, page.Items[i].Name, err)
			}
			certificates++
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return certificates, nil
		}
	}
}

func readIngresses(ctx context.Context, client kubernetes.Interface) error {
	options := metav1.ListOptions{Limit: floorPage}
	for {
		page, err := client.NetworkingV1().Ingresses("").List(ctx, options)
		if err != nil {
			return fmt.Errorf("listing Ingresses: %w", err)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

func parseLeaf(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("it holds no PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("parsing its certificate: %w", err)
	}
	return nil
}
