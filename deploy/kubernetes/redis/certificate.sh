#!/bin/sh
# certificate.sh [NAMESPACE]: where the cluster creates no certificates for services, unlike OpenShift. Creates an authority and a
# certificate of Redis for two years, and puts both where the manifests look. Again before they end; the key of the authority is
# not stored. KUBECTL names another client, for example oc.
set -eu
namespace=${1:-maas-portal}
kubectl=${KUBECTL:-kubectl}
name=maas-redis.$namespace.svc
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
umask 077
cd "$folder"
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -keyout ca.key -out ca.crt -days 730 -subj "/CN=maas-redis of $namespace" 2>openssl.log
openssl req $key -keyout tls.key -out tls.csr -subj "/CN=$name" 2>>openssl.log
# the second is of each pod, behind a service without an address of its own (redis-sentinel)
echo "subjectAltName=DNS:$name,DNS:*.$name,DNS:$name.cluster.local,DNS:*.$name.cluster.local" >names.cnf
openssl x509 -req -in tls.csr -out tls.crt -CA ca.crt -CAkey ca.key -CAcreateserial -days 730 -extfile names.cnf 2>>openssl.log
"$kubectl" create secret tls maas-redis-tls -n "$namespace" --cert tls.crt --key tls.key --dry-run=client -o yaml | "$kubectl" apply -f -
"$kubectl" create configmap maas-redis-ca -n "$namespace" --from-file=service-ca.crt=ca.crt --dry-run=client -o yaml | "$kubectl" apply -f -
