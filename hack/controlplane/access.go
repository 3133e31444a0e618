package controlplane

import (
	"context"
	"encoding/json"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenSeconds is how long the token of a service account lives.
const tokenSeconds = 24 * 60 * 60

// ServiceAccountKubeconfig returns the path of a kubeconfig with a token of an existing
// service account, and so with its rights and no others. The token lives for a day.
func (cp *ControlPlane) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	response, err := cp.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token of service account %s/%s: %w", namespace, name, err)
	}
	user := namespace + "." + name
	auth := &clientcmdapi.AuthInfo{Token: response.Status.Token}
	if err := cp.files.writeKubeconfig(cp.server(), user, namespace, auth); err != nil {
		return "", err
	}
	return cp.files.kubeconfig(user), nil
}

// SetPodReady sets the Ready condition of a Pod. A running Pod stays as it was set.
func (cp *ControlPlane) SetPodReady(ctx context.Context, namespace, name string, ready bool) error {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"conditions": []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Now()}},
	}})
	if err != nil {
		return fmt.Errorf("setting Pod %s/%s ready=%t: %w", namespace, name, ready, err)
	}
	_, err = cp.client.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("setting Pod %s/%s ready=%t: %w", namespace, name, ready, err)
	}
	return nil
}
