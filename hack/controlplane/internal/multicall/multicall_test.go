package multicall

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolve(t *testing.T) {
	names := []string{"etcd", "kubectl"}
	tests := map[string]struct {
		args     []string
		wantName string
		wantArgs []string
		wantErr  string
	}{
		"a symlink decides": {
			args:     []string{"/cache/bin/kubectl", "get", "pods"},
			wantName: "kubectl",
			wantArgs: []string{"kubectl", "get", "pods"},
		},
		"a symlink wins over an argument that is a program's name": {
			args:     []string{"kubectl", "etcd"},
			wantName: "kubectl",
			wantArgs: []string{"kubectl", "etcd"},
		},
		"without a symlink the first argument decides": {
			args:     []string{"controlplane", "etcd", "--name=m"},
			wantName: "etcd",
			wantArgs: []string{"etcd", "--name=m"},
		},
		"a later argument decides nothing": {
			args:    []string{"controlplane", "--v=2", "etcd"},
			wantErr: `controlplane has no program "--v=2": start it under, or give as first argument, one of etcd, kubectl`,
		},
		"no name at all lists the programs": {
			args:    []string{"/cache/bin/controlplane"},
			wantErr: "controlplane holds several programs: start it under, or give as first argument, one of etcd, kubectl",
		},
		"an empty command line is an error and no panic": {
			wantErr: "binary holds several programs: start it under, or give as first argument, one of etcd, kubectl",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gotName, gotArgs, err := Resolve(test.args, names)
			gotErr := ""
			if err != nil {
				gotErr = err.Error()
			}
			if diff := cmp.Diff(test.wantErr, gotErr); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if gotName != test.wantName {
				t.Errorf("name: want %q, got %q", test.wantName, gotName)
			}
			if diff := cmp.Diff(test.wantArgs, gotArgs); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}
