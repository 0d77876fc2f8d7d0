package reference

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func ingress(i int) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%03d", i%300), Name: fmt.Sprintf("ingress-%05d", i)},
		Spec:       networkingv1.IngressSpec{TLS: []networkingv1.IngressTLS{{SecretName: fmt.Sprintf("ingress-%05d-tls", i)}}},
	}
}

func pod(i int) *corev1.Pod {
	workload := i / 4
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprintf("team-%03d", workload%300), Name: fmt.Sprintf("app-%05d-5d4f7c9b8-%05d", workload, i),
			Labels: map[string]string{"app": fmt.Sprintf("app-%05d", workload), "pod-template-hash": "5d4f7c9b8"},
		},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				Secret: &corev1.SecretVolumeSource{SecretName: fmt.Sprintf("app-%05d-tls", workload)},
			}}},
			Containers: []corev1.Container{{Args: []string{"--config=/etc/app/config.yaml", "--v=2"}}},
		},
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemory reports what the graph keeps for an object with one reference.
func BenchmarkMemory(b *testing.B) {
	for name, c := range map[string]struct {
		count  int
		reduce func(int) Reduced
	}{
		"18000 Ingresses":              {18_000, func(i int) Reduced { return ReduceIngress(ingress(i)) }},
		"20000 Pods of 5000 workloads": {20_000, func(i int) Reduced { return ReducePod(pod(i)) }},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				g := NewGraph()
				for i := range c.count {
					g.Set(c.reduce(i))
				}
				b.ReportMetric(float64(heap()-before)/float64(c.count), "kept-B/object")
				runtime.KeepAlive(g)
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	g := NewGraph()
	for i := range 18_000 {
		g.Set(ReduceIngress(ingress(i)))
	}
	same, one, two := ReduceIngress(ingress(7)), ReduceIngress(ingress(8)), ReduceIngress(ingress(8))
	two.References[0].Target.Name = "other"
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.Set(same)
		}
	})
	b.Run("changed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.Set(two)
			g.Set(one)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	g := NewGraph()
	for i := range 18_000 {
		g.Set(ReduceIngress(ingress(i)))
	}
	t := secret("team-007", "ingress-00007-tls")
	b.ReportAllocs()
	for b.Loop() {
		g.Judge(t, nil, nil, nil)
	}
}

func BenchmarkReducePod(b *testing.B) {
	p := pod(1)
	b.ReportAllocs()
	for b.Loop() {
		ReducePod(p)
	}
}
