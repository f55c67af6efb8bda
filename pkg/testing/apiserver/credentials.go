package apiserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// credentials are the files that the API server identifies itself and its users by.
type credentials struct {
	certificateFile, keyFile string
	certificate              []byte
	serviceAccountKeyFile    string
	tokenFile                string
	adminToken               string
}

// newCredentials makes all keys, a certificate for 127.0.0.1 that clients trust as it is, and one user with all rights.
func newCredentials(folder string) (*credentials, error) {
	made := &credentials{
		certificateFile:       filepath.Join(folder, "apiserver.crt"),
		keyFile:               filepath.Join(folder, "apiserver.key"),
		serviceAccountKeyFile: filepath.Join(folder, "service-accounts.key"),
		tokenFile:             filepath.Join(folder, "tokens.csv"),
		adminToken:            newToken(),
	}
	key, err := newKey(made.keyFile)
	if err != nil {
		return nil, err
	}
	if made.certificate, err = selfSigned(key); err != nil {
		return nil, err
	}
	if err := os.WriteFile(made.certificateFile, made.certificate, 0o600); err != nil {
		return nil, err
	}
	if _, err := newKey(made.serviceAccountKeyFile); err != nil {
		return nil, err
	}
	// token, user, user id, groups
	users := made.adminToken + ",admin,admin,system:masters\n"
	return made, os.WriteFile(made.tokenFile, []byte(users), 0o600)
}

func newToken() string {
	bytes := make([]byte, 24)
	// Reading random bytes never fails.
	_, _ = rand.Read(bytes)
	return hex.EncodeToString(bytes)
}

func newKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
	return key, os.WriteFile(file, block, 0o600)
}

func selfSigned(key *ecdsa.PrivateKey) ([]byte, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kube-apiserver of a test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		// Clients take it for the authority that signed it.
		IsCA: true, BasicConstraintsValid: true,
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encoded}), nil
}
