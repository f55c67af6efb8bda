package flinkcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
)

const (
	// patience is how long anything may take before a test fails. It is no measure of speed: the machine may be
	// compiling beside the tests.
	patience = 5 * time.Minute
	// pollInterval is how often is looked where nothing can be watched.
	pollInterval = 200 * time.Millisecond

	// runLabel marks the namespaces of tests with the run that they belong to.
	runLabel = "flink-operator-tests"
)

// Suite is one run of tests on one Kubernetes.
type Suite struct {
	Kube  kubernetes.Interface
	Flink versioned.Interface
	// Operator is the operator under test.
	Operator *Operator

	dynamic    dynamic.Interface
	discovery  discovery.DiscoveryInterface
	kubectl    string
	flinkImage string
	otherImage string
	olderImage string
	artifacts  string
	node       *node
}

// Config says what a suite runs on.
type Config struct {
	// Manifest is the file that installs the operator.
	Manifest string
	// Artifacts is the folder for what a failed test leaves.
	Artifacts string
	// FlinkImage and OperatorImage are known to the cluster's node. Without OperatorImage it is that of the manifest.
	FlinkImage    string
	OperatorImage string
	// OtherFlinkImage is another name of the same image; empty, or FlinkImage itself, if it has only one.
	OtherFlinkImage string
	// OlderFlinkImage is an image with an older Flink and the same jobs; empty if there is none.
	OlderFlinkImage string
	// OperatorArguments are added to those of the manifest.
	OperatorArguments []string
}

// ConfigFromEnvironment reads the variables that hack/test-cluster.sh sets. root is the folder of the repository.
func ConfigFromEnvironment(root string) Config {
	config := Config{
		Manifest:      filepath.Join(root, "manifests", "install.yaml"),
		Artifacts:     os.Getenv("TEST_ARTIFACTS"),
		FlinkImage:    os.Getenv("FLINK_IMAGE"),
		OperatorImage: os.Getenv("OPERATOR_IMAGE"),

		OtherFlinkImage: os.Getenv("FLINK_OTHER_IMAGE"),
		OlderFlinkImage: os.Getenv("FLINK_OLDER_IMAGE"),
	}
	if config.Artifacts == "" {
		config.Artifacts = filepath.Join(root, ".build", "e2e")
	}
	if config.FlinkImage == "" {
		config.FlinkImage = "localhost/flink-operator/flink:2.1.3"
	}
	return config
}

// Start connects to the cluster of $KUBECONFIG, deploys the operator there and waits until it is ready.
func Start(ctx context.Context, config Config) (*Suite, error) {
	suite, err := connect(config)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(config.Artifacts); err != nil {
		return nil, err
	}
	if suite.Operator, err = deployOperator(ctx, suite, config); err != nil {
		return nil, fmt.Errorf("deploying the operator: %w", err)
	}
	if suite.node, err = startNode(ctx, suite); err != nil {
		return suite, fmt.Errorf("starting a pod that looks after the node: %w", err)
	}
	return suite, nil
}

// Stop removes what Start and the tests made, also those that were broken off.
func (s *Suite) Stop(ctx context.Context) error {
	var errs []error
	if s.node != nil {
		_, err := s.Kubectl(ctx, "delete", "namespaces", "-l", runLabel+"="+s.node.namespace, "--timeout", patience.String())
		errs = append(errs, err, s.node.stop(ctx))
	}
	return errors.Join(append(errs, s.Operator.remove(ctx))...)
}

func connect(config Config) (*Suite, error) {
	file := os.Getenv("KUBECONFIG")
	if file == "" {
		return nil, errors.New("KUBECONFIG has to name the cluster to test on; hack/test-cluster.sh brings one up")
	}
	restConfig, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		return nil, fmt.Errorf("KUBECONFIG: %w", err)
	}
	restConfig.QPS = -1
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, fmt.Errorf("the tests type what users type, and need kubectl: %w", err)
	}
	suite := &Suite{kubectl: kubectl, artifacts: config.Artifacts,
		flinkImage: config.FlinkImage, otherImage: config.OtherFlinkImage, olderImage: config.OlderFlinkImage}
	return suite, suite.makeClients(restConfig)
}

func (s *Suite) makeClients(config *rest.Config) error {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s.Kube, s.discovery = kube, kube.Discovery()
	if s.Flink, err = versioned.NewForConfig(config); err != nil {
		return err
	}
	// Looking for what is left asks for deprecated kinds too.
	everything := rest.CopyConfig(config)
	everything.WarningHandler = rest.NoWarnings{}
	s.dynamic, err = dynamic.NewForConfig(everything)
	return err
}

// OtherFlinkImage returns another name of the image with Flink; empty if it has only one.
func (s *Suite) OtherFlinkImage() string {
	if s.otherImage == s.flinkImage {
		return ""
	}
	return s.otherImage
}

// OlderFlinkImage returns an image with an older Flink; empty if there is none.
func (s *Suite) OlderFlinkImage() string { return s.olderImage }

// Kubectl runs kubectl and returns what it prints.
func (s *Suite) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	return s.kubectlWithInput(ctx, nil, arguments...)
}

func (s *Suite) kubectlWithInput(ctx context.Context, input []byte, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, s.kubectl, arguments...)
	command.Stdin = bytes.NewReader(input)
	var output, problem bytes.Buffer
	command.Stdout, command.Stderr = &output, &problem
	if err := command.Run(); err != nil {
		return output.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(problem.String()))
	}
	return output.String(), nil
}
