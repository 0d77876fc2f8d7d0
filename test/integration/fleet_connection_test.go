package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/access"
)

// The one API server is the hub's own cluster and the member at once. The
// operator's namespace is that of the whole suite, since the names of cluster
// roles are fixed.
const fleetNamespace = "fleet-connection"

// outpost is a member that somebody gave a credential for.
type outpost struct {
	home   client.Client
	dialer *fleet.Dialer
	member *v1alpha1.MemberCluster
	now    time.Time
}

func newOutpost(ctx context.Context, name string) *outpost {
	home, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	o := &outpost{home: home, now: time.Now()}
	o.dialer = &fleet.Dialer{Home: home, Namespace: fleetNamespace, Scheme: scheme, Now: func() time.Time { return o.now }, HubUID: func(context.Context) (string, error) { return "hub", nil }, Access: access.Objects}
	o.member = &v1alpha1.MemberCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.MemberClusterSpec{Connection: v1alpha1.Connection{
			Type:       v1alpha1.ConnectionKubeconfig,
			Kubeconfig: &v1alpha1.KubeconfigConnection{SecretRef: v1alpha1.KubeconfigSecret{Name: name + "-kubeconfig", Key: "kubeconfig"}},
		}},
	}
	for _, ns := range []string{fleetNamespace, "fleet-guest"} {
		err = home.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
		Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	}
	DeferCleanup(func(ctx SpecContext) {
		Expect(o.dialer.Forget(ctx, name)).To(Succeed())
		Expect(client.IgnoreNotFound(o.home.Delete(ctx, o.given()))).To(Succeed())
	})
	return o
}

func (o *outpost) given() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: fleetNamespace, Name: o.member.Name + "-kubeconfig"}}
}

func (o *outpost) give(ctx context.Context, user *api.AuthInfo) {
	raw, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"c": {Server: "https://" + serverOf(config.Host), CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*api.AuthInfo{"u": user},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(client.IgnoreNotFound(o.home.Delete(ctx, o.given()))).To(Succeed())
	secret := o.given()
	secret.Data = map[string][]byte{"kubeconfig": raw}
	Expect(o.home.Create(ctx, secret)).To(Succeed())
}

func serverOf(host string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if len(host) > len(scheme) && host[:len(scheme)] == scheme {
			return host[len(scheme):]
		}
	}
	return host
}

// admin is the suite's own client certificate.
func admin() *api.AuthInfo {
	return &api.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}
}

// guest makes an account with the cluster role and returns a token of it.
func (o *outpost) guest(ctx context.Context, name, role string) *api.AuthInfo {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "fleet-guest", Name: name}}
	Expect(client.IgnoreAlreadyExists(o.home.Create(ctx, account))).To(Succeed())
	if role != "" {
		Expect(client.IgnoreAlreadyExists(o.home.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "fleet-guest-" + name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "fleet-guest", Name: name}},
		}))).To(Succeed())
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To(int64(3600))}}
	Expect(o.home.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return &api.AuthInfo{Token: request.Status.Token}
}

func (o *outpost) dial(ctx context.Context) *fleet.Connection {
	conn, err := o.dialer.Dial(ctx, o.member)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(conn.Close)
	return conn
}

func (o *outpost) kept(ctx context.Context) *corev1.Secret {
	s := &corev1.Secret{}
	Expect(o.home.Get(ctx, types.NamespacedName{Namespace: fleetNamespace, Name: names.MemberSecret(o.member.Name)}, s)).To(Succeed())
	return s
}

var _ = Describe("The connection to a member", Label("fleet"), Serial, Ordered, func() {
	const timeout = 90 * time.Second

	It("needs the first credential once", func(ctx SpecContext) {
		o := newOutpost(ctx, "once")
		o.give(ctx, o.guest(ctx, "admin", "cluster-admin"))
		conn := o.dial(ctx)
		user, expires := conn.Identity()
		Expect(user).To(Equal("system:serviceaccount:" + fleetNamespace + ":tls-platform-hub"))
		Expect(expires).To(BeTemporally(">", o.now.Add(time.Hour)))
		Expect(conn.Health().Reachable).To(BeTrue())

		By("withdrawing it")
		Expect(o.home.Delete(ctx, o.given())).To(Succeed())
		Expect(o.home.Delete(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "fleet-guest", Name: "admin"}})).To(Succeed())
		facts, err := conn.Observe(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(facts.UID).NotTo(BeEmpty())
		Expect(facts.SchemaRevision).To(Equal(names.SchemaRevision))
		Expect(facts.Incomplete).To(BeEmpty())

		By("dialing as after a restart")
		conn.Close()
		again := o.dial(ctx)
		Expect(again.Probe(ctx)).To(Succeed())
		installer, err := again.Installer(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(installer.Get(ctx, types.NamespacedName{Name: "tls-platform-hub"}, &rbacv1.ClusterRole{})).To(Succeed())
	}, SpecTimeout(timeout))

	It("has the rights of the hub and no more", func(ctx SpecContext) {
		o := newOutpost(ctx, "rights")
		o.give(ctx, admin())
		conn := o.dial(ctx)
		err := conn.Hub.Get(ctx, client.ObjectKeyFromObject(o.given()), &corev1.Secret{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "the hub reads a Secret of a member: %v", err)
		reason, message, transport := fleet.Classify(err)
		Expect(reason).To(Equal(v1alpha1.ReasonForbidden))
		Expect(message).To(ContainSubstring("tls-platform-hub"))
		Expect(transport).To(BeFalse())
		installer, err := conn.Installer(ctx)
		Expect(err).NotTo(HaveOccurred())
		err = installer.List(ctx, &corev1.SecretList{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "the installer lists Secrets: %v", err)

		By("becoming the installer from a client certificate, which must not count")
		direct, err := fleet.NewConnection(fleet.Options{Name: "direct", Namespace: fleetNamespace, Config: config, Scheme: scheme, Now: time.Now})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(direct.Close)
		installer, err = direct.Installer(ctx)
		Expect(err).NotTo(HaveOccurred())
		err = installer.List(ctx, &corev1.SecretList{})
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "the installer has the rights of the certificate: %v", err)
	}, SpecTimeout(timeout))

	It("renews its token in place", func(ctx SpecContext) {
		o := newOutpost(ctx, "renewal")
		o.give(ctx, admin())
		conn := o.dial(ctx)
		before := o.kept(ctx)
		Expect(o.dialer.Renew(ctx, conn)).To(BeFalse())
		_, expires := conn.Identity()
		o.now = o.now.Add(expires.Sub(o.now)/2 + time.Minute)
		Expect(o.dialer.Renew(ctx, conn)).To(BeTrue())
		after := o.kept(ctx)
		Expect(after.Data).NotTo(Equal(before.Data))
		Expect(after.Annotations[names.AnnotationExpires]).NotTo(BeEmpty())
		Expect(conn.Probe(ctx)).To(Succeed())
		_, _, err := conn.Heartbeat(ctx)
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(timeout))

	It("comes back with the kubeconfig when its own identity is lost", func(ctx SpecContext) {
		o := newOutpost(ctx, "lost")
		o.give(ctx, admin())
		conn := o.dial(ctx)
		By("labelling as a plan does, and deleting the account")
		role := &rbacv1.ClusterRole{}
		Expect(o.home.Get(ctx, types.NamespacedName{Name: "tls-platform-hub"}, role)).To(Succeed())
		role.Labels = map[string]string{names.LabelPlatform: "platform", names.LabelPart: "access"}
		Expect(o.home.Update(ctx, role, client.FieldOwner(names.FieldManager("access")))).To(Succeed())
		Expect(o.home.Delete(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: fleetNamespace, Name: "tls-platform-hub"}})).To(Succeed())
		Eventually(ctx, func() string { _ = conn.Probe(ctx); return conn.Health().Reason }).
			WithTimeout(30 * time.Second).Should(Equal(v1alpha1.ReasonUnauthorized))
		again := o.dial(ctx)
		Expect(again.Probe(ctx)).To(Succeed())
		Expect(o.home.Get(ctx, types.NamespacedName{Name: "tls-platform-hub"}, role)).To(Succeed())
		Expect(role.Labels).To(HaveKeyWithValue(names.LabelPlatform, "platform"))

		By("losing both")
		Expect(o.home.Delete(ctx, o.given())).To(Succeed())
		Expect(o.home.Delete(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: fleetNamespace, Name: "tls-platform-hub"}})).To(Succeed())
		Eventually(ctx, func() string {
			c, err := o.dialer.Dial(ctx, o.member)
			if err == nil {
				c.Close()
			}
			reason, _, _ := fleet.Classify(err)
			return reason
		}).WithTimeout(30 * time.Second).Should(Equal(v1alpha1.ReasonCredentialMissing))
	}, SpecTimeout(timeout))

	It("names what is wrong with a first credential", func(ctx SpecContext) {
		o := newOutpost(ctx, "faults")
		dial := func() (reason, message string) {
			_, err := o.dialer.Dial(ctx, o.member)
			Expect(err).To(HaveOccurred())
			reason, message, _ = fleet.Classify(err)
			return reason, message
		}
		reason, message := dial()
		Expect(reason).To(Equal(v1alpha1.ReasonCredentialMissing))
		Expect(message).To(ContainSubstring("faults-kubeconfig"))

		o.give(ctx, &api.AuthInfo{Token: "expired"})
		reason, _ = dial()
		Expect(reason).To(Equal(v1alpha1.ReasonUnauthorized))

		o.give(ctx, o.guest(ctx, "nobody", ""))
		reason, message = dial()
		Expect(reason).To(Equal(v1alpha1.ReasonForbidden))
		Expect(message).To(ContainSubstring("fleet-guest:nobody"))

		o.give(ctx, &api.AuthInfo{TokenFile: "/etc/token"})
		reason, message = dial()
		Expect(reason).To(Equal(v1alpha1.ReasonCredentialRefused))
		Expect(message).To(ContainSubstring("tokenFile"))

		By("rotating it")
		o.give(ctx, admin())
		Expect(o.dial(ctx).Health().Reachable).To(BeTrue())
	}, SpecTimeout(timeout))
})
