package controllers

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// containerPorts returns the ports that the containers of the Pod declare, in order:
// those of the containers, then those of the sidecars. An init container that is not
// restarted has ended before the Pod serves, so its ports do not count.
func containerPorts(spec *corev1.PodSpec) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for i := range spec.Containers {
		ports = append(ports, spec.Containers[i].Ports...)
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			ports = append(ports, c.Ports...)
		}
	}
	return ports
}

// resolve returns the number of the port that ref means. A number need not be declared. Of
// several ports with one name the first counts, as it does for a Service. The error names
// the annotation.
func (a Annotations) resolve(ref portRef, ports []corev1.ContainerPort) (int, error) {
	switch {
	case ref.wrong, ref.number != 0:
		return ref.number, nil
	case ref.name != "":
		return a.portByName(ref.name, ports)
	default:
		return a.onlyPort(ports)
	}
}

func (a Annotations) portByName(name string, ports []corev1.ContainerPort) (int, error) {
	for _, p := range ports {
		if p.Name == name {
			return int(p.ContainerPort), nil
		}
	}
	return 0, fmt.Errorf("annotation %s: %s is not a port of this Pod; %s", a.port, quote(name), declared(ports))
}

// onlyPort counts numbers, not declarations: a server that speaks TCP and UDP on one port
// declares it twice.
func (a Annotations) onlyPort(ports []corev1.ContainerPort) (int, error) {
	for _, p := range ports {
		if p.ContainerPort != ports[0].ContainerPort {
			return 0, fmt.Errorf("annotation %s is needed to choose a port; %s", a.port, declared(ports))
		}
	}
	if len(ports) == 0 {
		return 0, fmt.Errorf("annotation %s is needed, with the number of a port; %s", a.port, declared(ports))
	}
	return int(ports[0].ContainerPort), nil
}

// declared lists the ports for the owner of the Pod.
func declared(ports []corev1.ContainerPort) string {
	if len(ports) == 0 {
		return "its containers declare none"
	}
	words := make([]string, 0, len(ports))
	for _, p := range ports {
		word := strconv.Itoa(int(p.ContainerPort))
		if p.Name != "" {
			word = fmt.Sprintf("%q (%s)", p.Name, word)
		}
		words = append(words, word)
	}
	if len(words) == 1 {
		return "declared is " + words[0]
	}
	return "declared are " + enumerate(words)
}
