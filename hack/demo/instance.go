package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

const (
	// keyPrefix is where the json format writes.
	keyPrefix = "/services/"
	// annotationPrefix is that of the annotations on Pods.
	annotationPrefix = "causeway.dev/"
)

// instance is what a consumer of the json format reads. The demo works out by itself what a
// Pod should publish, rather than ask the code that it shows.
type instance struct {
	Name    string `json:"name"`
	Host    string `json:"host"`
	Port    int    `json:"port"`
	Version string `json:"version"`
	Weight  int    `json:"weight"`
}

// key is where the instance belongs.
func (i instance) key() string {
	return keyPrefix + i.Name + "/" + net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
}

// decode reads the value of a key.
func decode(value []byte) (instance, error) {
	var i instance
	if err := json.Unmarshal(value, &i); err != nil {
		return i, fmt.Errorf("decoding %q: %w", value, err)
	}
	return i, nil
}

// publishedBy returns what the Pod publishes, or false if that is nothing.
func publishedBy(pod *corev1.Pod) (instance, bool) {
	i := instance{
		Name:    pod.Annotations[annotationPrefix+"service"],
		Host:    pod.Status.PodIP,
		Port:    publishedPort(pod),
		Version: pod.Annotations[annotationPrefix+"version"],
		Weight:  1,
	}
	if text, ok := pod.Annotations[annotationPrefix+"weight"]; ok {
		weight, err := strconv.Atoi(text)
		if err != nil {
			return instance{}, false
		}
		i.Weight = weight
	}
	ok := i.Name != "" && i.Host != "" && i.Port != 0 && pod.DeletionTimestamp == nil && ready(pod)
	return i, ok
}

// whyNot says in a word why the Pod publishes nothing.
func whyNot(pod *corev1.Pod) string {
	switch {
	case pod.DeletionTimestamp != nil:
		return "terminating"
	case !ready(pod):
		return "unready"
	default:
		return "not publishable"
	}
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// publishedPort is the port that the Pod's annotation names or gives, else the only one that
// it declares, else 0.
func publishedPort(pod *corev1.Pod) int {
	wanted := pod.Annotations[annotationPrefix+"port"]
	if number, err := strconv.Atoi(wanted); err == nil {
		return number
	}
	var found []int
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, container := range list {
			for _, port := range container.Ports {
				if wanted == "" || port.Name == wanted {
					found = append(found, int(port.ContainerPort))
				}
			}
		}
	}
	if len(found) != 1 {
		return 0
	}
	return found[0]
}
