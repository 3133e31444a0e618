package controllers

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/registry"
)

// user is a published Pod, save that it has no address yet.
func user() *podtest.Builder {
	return podtest.New("default", "user-1").Annotate("service", "user").Port("http", 8080).Ready()
}

func at(host string, port int) *registry.Instance {
	return &registry.Instance{ID: "user-1-uid", Service: "user", Host: host, Port: port}
}

// Promise 1: a Pod is published if and only if it is annotated, has an address, is neither
// terminating nor finished, and is ready or opted into not-ready.
func TestInstances(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pod  *podtest.Builder
		want *registry.Instance // nil: nothing
	}{
		"ready":                         {user().IP("10.0.0.1"), at("10.0.0.1", 8080)},
		"not annotated":                 {podtest.New("default", "user-1").Port("http", 8080).IP("10.0.0.1").Ready(), nil},
		"other annotations only":        {podtest.New("default", "user-1").Annotate("weight", "wrong").IP("10.0.0.1").Ready(), nil},
		"not ready":                     {user().IP("10.0.0.1").NotReady(), nil},
		"readiness unknown":             {podtest.New("default", "user-1").Annotate("service", "user").Port("", 8080).IP("10.0.0.1"), nil},
		"no address":                    {user(), nil},
		"terminating":                   {user().IP("10.0.0.1").Terminating(), nil},
		"succeeded":                     {user().IP("10.0.0.1").Phase(corev1.PodSucceeded), nil},
		"failed":                        {user().IP("10.0.0.1").Phase(corev1.PodFailed), nil},
		"phase unknown":                 {user().IP("10.0.0.1").Phase(corev1.PodUnknown), at("10.0.0.1", 8080)},
		"not-ready published":           {user().IP("10.0.0.1").NotReady().Annotate("publish-not-ready", "true"), at("10.0.0.1", 8080)},
		"not-ready, no address":         {user().NotReady().Annotate("publish-not-ready", "true"), nil},
		"not-ready, terminating":        {user().IP("10.0.0.1").Annotate("publish-not-ready", "true").Terminating(), nil},
		"not-ready, failed":             {user().IP("10.0.0.1").Annotate("publish-not-ready", "true").Phase(corev1.PodFailed), nil},
		"not-ready declined":            {user().IP("10.0.0.1").NotReady().Annotate("publish-not-ready", "false"), nil},
		"IPv6":                          {user().IP("2001:DB8:0:0::1"), at("2001:db8::1", 8080)},
		"IPv6 with a zone":              {user().IP("fe80::1%eth0"), at("fe80::1", 8080)},
		"IPv4 in IPv6":                  {user().IP("::ffff:10.0.0.1"), at("10.0.0.1", 8080)},
		"dual stack, IPv4 first":        {user().IP("10.0.0.1", "fd00::1"), at("10.0.0.1", 8080)},
		"dual stack, IPv6 first":        {user().IP("fd00::1", "10.0.0.1"), at("fd00::1", 8080)},
		"host network":                  {user().HostNetwork("192.168.1.5"), at("192.168.1.5", 8080)},
		"named port":                    {user().IP("10.0.0.1").Port("grpc", 9000).Annotate("port", "grpc"), at("10.0.0.1", 9000)},
		"undeclared number":             {user().IP("10.0.0.1").Annotate("port", "7000"), at("10.0.0.1", 7000)},
		"port of a sidecar":             {user().IP("10.0.0.1").Sidecar("proxy", "mesh", 15000).Annotate("port", "mesh"), at("10.0.0.1", 15000)},
		"init container does not count": {user().IP("10.0.0.1").InitContainer("setup", "http2", 9), at("10.0.0.1", 8080)},
		"one port, two protocols":       {user().IP("10.0.0.1").ProtocolPort("quic", 8080, corev1.ProtocolUDP), at("10.0.0.1", 8080)},
		"SCTP":                          {podtest.New("default", "user-1").Annotate("service", "user").ProtocolPort("s", 3868, corev1.ProtocolSCTP).IP("10.0.0.1").Ready(), at("10.0.0.1", 3868)},
		"first of one name":             {user().IP("10.0.0.1").Sidecar("proxy", "http", 15000).Annotate("port", "http"), at("10.0.0.1", 8080)},
		"attributes": {
			user().IP("10.0.0.1").Topology("eu", "eu-1").Annotate("version", "v2").Annotate("weight", "10").Annotate("metadata", `{"a":"b"}`),
			&registry.Instance{
				ID: "user-1-uid", Service: "user", Host: "10.0.0.1", Port: 8080, Version: "v2", Weight: 10,
				Metadata: map[string]string{"a": "b"}, Zone: "eu-1", Region: "eu",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := testPublications(t).Instances(test.pod.Obj())
			if err != nil {
				t.Fatal(err)
			}
			var want []registry.Instance
			if test.want != nil {
				want = []registry.Instance{*test.want}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("instances (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstancesFromPodIPs(t *testing.T) {
	t.Parallel()
	pod := user().IP("10.0.0.9").Obj()
	pod.Status.PodIP = ""
	got, err := testPublications(t).Instances(pod)
	if err != nil || len(got) != 1 || got[0].Host != "10.0.0.9" {
		t.Errorf("Instances: %v, %v", got, err)
	}
}

func TestInstancesInvalid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pod      *podtest.Builder
		problems []string
	}{
		"unknown port name": {
			user().Port("grpc", 9000).Annotate("port", "web"),
			[]string{`annotation causeway.dev/port: "web" is not a port of this Pod; declared are "http" (8080) and "grpc" (9000)`},
		},
		"port of an init container": {
			user().InitContainer("setup", "web", 9).Annotate("port", "web"),
			[]string{`annotation causeway.dev/port: "web" is not a port of this Pod; declared is "http" (8080)`},
		},
		"no port declared": {
			podtest.New("default", "user-1").Annotate("service", "user"),
			[]string{`annotation causeway.dev/port is needed, with the number of a port; its containers declare none`},
		},
		"port name, none declared": {
			podtest.New("default", "user-1").Annotate("service", "user").Annotate("port", "web"),
			[]string{`annotation causeway.dev/port: "web" is not a port of this Pod; its containers declare none`},
		},
		"several ports declared": {
			user().Port("", 8081).Port("admin", 9090),
			[]string{`annotation causeway.dev/port is needed to choose a port; declared are "http" (8080), 8081 and "admin" (9090)`},
		},
		"a wrong port is reported once": {
			user().Port("", 8081).Annotate("port", "0"),
			[]string{`annotation causeway.dev/port: port "0" is not between 1 and 65535`},
		},
		"all problems, also of a Pod that is not ready": {
			user().NotReady().Annotate("port", "web").Annotate("weight", "heavy"),
			[]string{
				`annotation causeway.dev/weight: "heavy" is not a whole number between 1 and 65535`,
				`annotation causeway.dev/port: "web" is not a port of this Pod; declared is "http" (8080)`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := testPublications(t).Instances(test.pod.Obj())
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok || got != nil {
				t.Fatalf("Instances: %v, %v, want an InvalidError", got, err)
			}
			if diff := cmp.Diff(test.problems, invalid.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
