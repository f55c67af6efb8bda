package options

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/version"
)

// Bounds of the flags.
const (
	minWorkers = 1
	maxWorkers = 64
)

// podNamespaceVariable is where manifests/operator puts the namespace that the operator runs in.
const podNamespaceVariable = "POD_NAMESPACE"

// Options are the flags as they were given.
type Options struct {
	Namespaces           []string
	LeaderElect          bool
	LeaderElectNamespace string
	HTTPAddress          string
	Workers              int
	Kubeconfig           string
	ShowVersion          bool
}

// New returns the defaults.
func New() *Options {
	return &Options{
		LeaderElect:          true,
		LeaderElectNamespace: os.Getenv(podNamespaceVariable),
		HTTPAddress:          ":8080",
		Workers:              4,
	}
}

// AddFlags defines the flags, with the present values as defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.Namespaces, "namespaces", o.Namespaces,
		"Namespaces to work in, separated by commas. Empty for all.")
	flags.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect,
		"Work only while holding a lease, so that several replicas can stand by for each other.")
	flags.StringVar(&o.LeaderElectNamespace, "leader-elect-namespace", o.LeaderElectNamespace,
		"Namespace of the lease. Default: the operator's own ($"+podNamespaceVariable+").")
	flags.StringVar(&o.HTTPAddress, "http-address", o.HTTPAddress,
		"Address to serve /metrics, /healthz and /readyz on.")
	flags.IntVar(&o.Workers, "workers", o.Workers,
		fmt.Sprintf("Number of FlinkClusters that each loop works on at the same time, %d to %d.", minWorkers, maxWorkers))
	flags.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig,
		"File that says where the API server is. Default: the pod's service account, and outside a pod $KUBECONFIG.")
	flags.BoolVar(&o.ShowVersion, "version", o.ShowVersion, "Print the version and exit.")
	addLogFlags(flags)
}

// addLogFlags takes over the two flags of klog that fit a program that logs to its standard error only.
func addLogFlags(flags *pflag.FlagSet) {
	logFlags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(logFlags)
	for _, name := range []string{"v", "vmodule"} {
		flags.AddGoFlag(logFlags.Lookup(name))
	}
}

// Validate returns an error for each flag that does not fit, with what would.
func (o *Options) Validate() error {
	var errs []error
	for _, namespace := range o.Namespaces {
		errs = append(errs, validateNamespace("namespaces", namespace))
	}
	if o.LeaderElect {
		if o.LeaderElectNamespace == "" {
			errs = append(errs, errors.New("--leader-elect-namespace: must be set outside a pod, where $"+
				podNamespaceVariable+" is not; or use --leader-elect=false and run one replica only"))
		} else {
			errs = append(errs, validateNamespace("leader-elect-namespace", o.LeaderElectNamespace))
		}
	}
	if o.Workers < minWorkers || o.Workers > maxWorkers {
		errs = append(errs, fmt.Errorf("--workers: %d is not in %d to %d", o.Workers, minWorkers, maxWorkers))
	}
	errs = append(errs, validateAddress("http-address", o.HTTPAddress))
	return errors.Join(errs...)
}

func validateNamespace(flagName, namespace string) error {
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		return fmt.Errorf("--%s: %q is not the name of a namespace: %s", flagName, namespace, problems[0])
	}
	return nil
}

func validateAddress(flagName, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("--%s: %q is not host:port with a number as port, such as :8080 or 127.0.0.1:8080", flagName, address)
	}
	return nil
}

// Config is what the program runs with.
type Config struct {
	// Namespaces to work in, sorted, each once; empty for all.
	Namespaces []string
	// Workers of each loop.
	Workers     int
	HTTPAddress string

	LeaderElect bool
	// LeaderElectNamespace and Identity say where the lease is and who this replica is.
	LeaderElectNamespace string
	Identity             string
	// JobManagers replaces the network to JobManagers; for tests that run the whole program.
	JobManagers http.RoundTripper

	restConfig *rest.Config
}

// NewConfig makes a configuration for an API server that is known otherwise, for tests that run the whole program.
func NewConfig(config Config, restConfig *rest.Config) *Config {
	config.restConfig = restConfig
	return &config
}

// Complete validates the options and settles what they leave open.
func (o *Options) Complete() (*Config, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	restConfig, err := loadRESTConfig(o.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig: cannot tell where the API server is: %w", err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("getting the name of this host: %w", err)
	}
	namespaces := slices.Clone(o.Namespaces)
	slices.Sort(namespaces)
	return NewConfig(Config{
		Namespaces:           slices.Compact(namespaces),
		Workers:              o.Workers,
		HTTPAddress:          o.HTTPAddress,
		LeaderElect:          o.LeaderElect,
		LeaderElectNamespace: o.LeaderElectNamespace,
		// A container that restarts in its pod keeps the host name, but must not take itself for the one before.
		Identity: hostname + "_" + uuid.NewString(),
	}, restConfig), nil
}

func loadRESTConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if !errors.Is(err, rest.ErrNotInCluster) {
			return config, err
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
}

// ClientConfig returns the configuration of a client for one part of the program, which shows in the user agent.
//
// The client's own rate limit is off: the default of 5 requests a second would take an hour to look at 10,000
// clusters after a start, and the API server's priority and fairness knows better what it can bear.
func (c *Config) ClientConfig(component string) *rest.Config {
	config := rest.CopyConfig(c.restConfig)
	config.UserAgent = version.UserAgent(component)
	config.QPS = -1
	return config
}
