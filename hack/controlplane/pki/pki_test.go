package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestIssuedCertificateVerifies(t *testing.T) {
	ca, err := NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(Subject{CommonName: "me", Organizations: []string{"us"}, Hosts: []string{"127.0.0.1", "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca.Cert()) {
		t.Fatal("the authority's certificate is no PEM")
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			options := x509.VerifyOptions{Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}}
			if _, err := certificate.Leaf.Verify(options); err != nil {
				t.Errorf("host %s, usage %d: %v", host, usage, err)
			}
		}
	}
	if got := certificate.Leaf.Subject; got.CommonName != "me" || len(got.Organization) != 1 || got.Organization[0] != "us" {
		t.Errorf("subject %v", got)
	}
	other, err := ca.Issue(Subject{CommonName: "me"})
	if err != nil {
		t.Fatal(err)
	}
	if string(other.Cert) == string(pair.Cert) || string(other.Key) == string(pair.Key) {
		t.Error("a second certificate equals the first")
	}
}

func TestWriteFilesReplaces(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	for _, content := range []string{"old", "new"} {
		pair := Pair{Cert: []byte(content + " cert"), Key: []byte(content + " key")}
		if err := pair.WriteFiles(cert, key); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{cert: "new cert", key: "new key"} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%d files are left (error %v), want 2", len(entries), err)
	}
}
