package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// binariesVariable names the folder with etcd, kube-apiserver and kubectl.
	binariesVariable = "KUBE_APISERVER_BINARIES"
	// startAttempts is how often a start is tried: a port that was free may be taken before the server has it.
	startAttempts = 3
)

// Server is a kube-apiserver on an etcd of its own.
type Server struct {
	folder   string
	binaries string
	etcd     *process
	api      *process
	admin    *rest.Config
	audit    *auditLog
	// kubeconfig is a file for kubectl, with the rights of the admin.
	kubeconfig string
}

// Start starts a server and waits until it is ready. It is for TestMain; whoever called it must call Stop.
func Start(ctx context.Context) (*Server, error) {
	binaries := os.Getenv(binariesVariable)
	if binaries == "" {
		return nil, errors.New("$" + binariesVariable + " must name the folder with etcd, kube-apiserver and kubectl; hack/test-apiserver.sh sets it")
	}
	var errs []error
	for range startAttempts {
		folder, err := os.MkdirTemp("", "apiserver-test-")
		if err != nil {
			return nil, err
		}
		s := &Server{folder: folder, binaries: binaries}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
		errs = append(errs, err, s.Stop())
	}
	return nil, errors.Join(errs...)
}

// Stop ends both programs and removes their files.
func (s *Server) Stop() error {
	var errs []error
	// The API server first: without its etcd it would not end cleanly.
	for _, running := range []*process{s.api, s.etcd} {
		if running != nil {
			errs = append(errs, running.stop())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

func (s *Server) start(ctx context.Context) error {
	credentials, err := newCredentials(s.folder)
	if err != nil {
		return err
	}
	ports, err := FreePorts(3)
	if err != nil {
		return err
	}
	etcdAddress, peerAddress := localURL("http", ports[0]), localURL("http", ports[1])
	if err := s.startEtcd(ctx, etcdAddress, peerAddress); err != nil {
		return err
	}
	s.admin = &rest.Config{
		Host: localURL("https", ports[2]), BearerToken: credentials.adminToken,
		TLSClientConfig: rest.TLSClientConfig{CAData: credentials.certificate},
		// Tests are not slowed down by a client's own limit.
		QPS: -1,
	}
	if s.audit, err = newAuditLog(s.folder); err != nil {
		return err
	}
	if err := s.startAPIServer(ctx, credentials, etcdAddress, ports[2]); err != nil {
		return err
	}
	return s.writeKubeconfig(credentials)
}

func (s *Server) startEtcd(ctx context.Context, address, peerAddress string) error {
	var err error
	// The data need not survive a power cut: no waiting for the disk.
	s.etcd, err = startProcess(s.folder, filepath.Join(s.binaries, "etcd"),
		"--name", "test", "--data-dir", filepath.Join(s.folder, "etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", address, "--advertise-client-urls", address,
		"--listen-peer-urls", peerAddress, "--initial-advertise-peer-urls", peerAddress, "--initial-cluster", "test="+peerAddress)
	if err != nil {
		return err
	}
	return s.etcd.waitReady(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = errors.New(response.Status)
		}
		return errors.Join(err, response.Body.Close())
	})
}

func (s *Server) startAPIServer(ctx context.Context, credentials *credentials, etcdAddress string, port int) error {
	var err error
	s.api, err = startProcess(s.folder, filepath.Join(s.binaries, "kube-apiserver"),
		"--etcd-servers", etcdAddress, "--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(port),
		"--tls-cert-file", credentials.certificateFile, "--tls-private-key-file", credentials.keyFile,
		"--cert-dir", s.folder, "--token-auth-file", credentials.tokenFile,
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", credentials.serviceAccountKeyFile, "--service-account-signing-key-file", credentials.serviceAccountKeyFile,
		"--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/16",
		// Nobody reaches it at the service address, and the loopback address must not stand there.
		"--endpoint-reconciler-type", "none", "--profiling=false",
		// Off by default, but on in some distributions (OpenShift): whoever writes an owner reference that blocks the
		// deletion of the owner needs the right to change its finalizers.
		"--enable-admission-plugins", "OwnerReferencesPermissionEnforcement",
		"--audit-policy-file", s.audit.policyFile, "--audit-log-path", s.audit.file)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(s.admin)
	if err != nil {
		return err
	}
	return s.api.waitReady(ctx, func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// AdminConfig is the way to the server with all rights.
func (s *Server) AdminConfig() *rest.Config {
	return rest.CopyConfig(s.admin)
}

// ServiceAccountConfig is the way to the server as a service account, which must exist: with a token such as its pods get.
func (s *Server) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(s.admin)
	if err != nil {
		return nil, err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(time.Hour.Seconds()))}}
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("getting a token for the service account %s/%s: %w", namespace, name, err)
	}
	config := s.AdminConfig()
	config.BearerToken = answer.Status.Token
	return config, nil
}

// ServiceAccountUser is what the audit log calls a service account.
func ServiceAccountUser(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// FreePorts returns ports of 127.0.0.1 that nobody listens on at the moment.
func FreePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		// Held until all are found, so that they differ.
		defer func() { _ = listener.Close() }()
		address, isTCP := listener.Addr().(*net.TCPAddr)
		if !isTCP {
			return nil, fmt.Errorf("%s is no TCP address", listener.Addr())
		}
		ports = append(ports, address.Port)
	}
	return ports, nil
}

func localURL(scheme string, port int) string {
	return scheme + "://127.0.0.1:" + strconv.Itoa(port)
}
