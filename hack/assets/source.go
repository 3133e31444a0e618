package assets

import "runtime"

// program is one executable, as it is built and as it tells its version.
type program struct {
	name        string // under which it is kept
	pkg         string // main package
	built       string // name that go build gives it
	versionArgs []string
}

// source is one Go module of this folder that pins where programs come from.
type source struct {
	folder   string // below hack/assets
	module   string // whose version is the programs' version
	programs []program
	// versionVars are the variables that are linked as the version and as its parts.
	versionVars, majorVars, minorVars []string
}

func kubernetes() source {
	const component = "k8s.io/component-base/version."
	return source{
		folder: "kubernetes",
		module: "k8s.io/kubernetes",
		programs: []program{
			kubernetesProgram("kube-apiserver", "--version"),
			kubernetesProgram("kube-controller-manager", "--version"),
			kubernetesProgram("kube-scheduler", "--version"),
			kubernetesProgram("kubectl", "version", "--client"),
		},
		versionVars: []string{component + "gitVersion"},
		majorVars:   []string{component + "gitMajor"},
		minorVars:   []string{component + "gitMinor"},
	}
}

func kubernetesProgram(name string, versionArgs ...string) program {
	return program{name: name, pkg: "k8s.io/kubernetes/cmd/" + name, built: name, versionArgs: versionArgs}
}

func kwok() source {
	return source{
		folder:      "kwok",
		module:      kwokModule,
		programs:    []program{{name: "kwok", pkg: kwokModule + "/cmd/kwok", built: "kwok", versionArgs: []string{"--version"}}},
		versionVars: []string{kwokModule + "/pkg/consts.Version"},
	}
}

// etcd is the etcd that everything runs on; its client comes along.
func etcd() source {
	s := etcdServer("etcd")
	s.programs = append(s.programs, program{
		name: "etcdctl", pkg: "go.etcd.io/etcd/etcdctl/v3", built: "etcdctl", versionArgs: []string{"version"},
	})
	return s
}

// etcdServer is a server alone, of the version that folder pins.
func etcdServer(folder string) source {
	const module = "go.etcd.io/etcd/server/v3"
	return source{
		folder:   folder,
		module:   module,
		programs: []program{{name: "etcd", pkg: module, built: "server", versionArgs: []string{"--version"}}},
	}
}

// platform is part of what a folder of programs is named by.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
