package apiserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubectl runs the real kubectl with the rights of the admin and returns what it printed. The error has the whole
// of what it printed to its standard error.
func (s *Server) Kubectl(ctx context.Context, input string, arguments ...string) (output, complaints string, err error) {
	command := exec.CommandContext(ctx, filepath.Join(s.binaries, "kubectl"), arguments...)
	// Nothing of the user's own configuration, and no cache beside the server's files.
	command.Env = []string{"KUBECONFIG=" + s.kubeconfig, "KUBECACHEDIR=" + filepath.Join(s.folder, "kubectl-cache"), "HOME=" + s.folder, "PATH=" + os.Getenv("PATH")}
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), stderr.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, stderr.String())
	}
	return stdout.String(), stderr.String(), nil
}

func (s *Server) writeKubeconfig(credentials *credentials) error {
	const name = "test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: s.admin.Host, CertificateAuthorityData: credentials.certificate}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: credentials.adminToken}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	s.kubeconfig = filepath.Join(s.folder, "kubeconfig")
	return clientcmd.WriteToFile(*config, s.kubeconfig)
}
