package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"sync"
	"time"
)

const backdate = 10 * time.Second

// pair is a certificate and its key.
type pair struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// authority signs by an intermediate under its newest root; news is closed when anything changes.
type authority struct {
	domain string

	mutex        sync.Mutex
	entries      bool
	roots        []pair
	intermediate pair
	news         chan struct{}
}

func newAuthority(domain string) (*authority, error) {
	a := &authority{domain: domain, news: make(chan struct{})}
	return a, a.addRoot()
}

func (a *authority) addRoot() error {
	root, err := a.make(&url.URL{Scheme: "spiffe", Host: a.domain}, nil, true)
	if err != nil {
		return err
	}
	a.roots = append(a.roots, root)
	a.intermediate, err = a.make(&url.URL{Scheme: "spiffe", Host: a.domain}, &root, true)
	return err
}

// change does something, and lets every stream hear of it.
func (a *authority) change(do func() error) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	err := do()
	close(a.news)
	a.news = make(chan struct{})
	return err
}

// leaf makes an SVID; only the first of a caller's is of use to a mesh: the others have RSA keys.
func (a *authority) leaf(id string, first bool) (chain []byte, key []byte, err error) {
	parsed, err := url.Parse(id)
	if err != nil {
		return nil, nil, err
	}
	made, err := a.make(parsed, &a.intermediate, false, first)
	if err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(made.key)
	return append(made.certificate.Raw, a.intermediate.certificate.Raw...), key, err
}

func (a *authority) bundle() (ders []byte) {
	for _, root := range a.roots {
		ders = append(ders, root.certificate.Raw...)
	}
	return ders
}

func (a *authority) make(id *url.URL, by *pair, ca bool, curve ...bool) (pair, error) {
	var key crypto.Signer
	var err error
	if len(curve) > 0 && !curve[0] {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return pair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return pair{}, err
	}
	template := template(id, serial, ca)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return pair{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return pair{certificate, key}, err
}

// template is what SPIRE writes: no name but the id, and a beginning in the past.
func template(id *url.URL, serial *big.Int, ca bool) *x509.Certificate {
	made := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Country: []string{"US"}, Organization: []string{"SPIRE"}},
		URIs:                  []*url.URL{id},
		NotBefore:             time.Now().Add(-backdate),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  ca,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca {
		made.Subject.SerialNumber = serial.String()
		made.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		made.ExtKeyUsage = nil
	}
	return made
}
