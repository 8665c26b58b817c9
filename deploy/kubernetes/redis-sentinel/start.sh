#!/bin/sh
# start.sh redis|sentinel: writes the configuration at each start and becomes that program. The current master is requested from
# the sentinels that answer; where none does yet, it is the first of REDIS_PEERS.
set -eu
role=$1
data=${REDIS_DATA:-/data}
port=${REDIS_PORT:-6379}
sentinel_port=${SENTINEL_PORT:-26379}
bind=${REDIS_BIND:-* -::*}
self=${REDIS_SELF:-$(hostname).$REDIS_DOMAIN}
# of the Redis among themselves; the portal has its own, which opens its own keys only
password=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis/password}")
portal_password=$(cat "${REDIS_PORTAL_PASSWORD_FILE:-/run/secrets/redis/portal-password}")
tls=${REDIS_TLS:-/run/secrets/redis-tls}
ca=${REDIS_CA:-/etc/redis-ca/service-ca.crt}

master=
for peer in $REDIS_PEERS; do
  master=$(timeout 2 redis-cli --tls --cacert "$ca" -h "$peer" -p "$sentinel_port" --raw sentinel get-master-addr-by-name maas 2>/dev/null | head -n 1 || true)
  case $master in "" | ERR* | *" "*) master= ;; *) break ;; esac
done
[ -n "$master" ] || master=${REDIS_PEERS%% *}

tls_lines() {
  echo "tls-cert-file $tls/tls.crt"
  echo "tls-key-file $tls/tls.key"
  echo "tls-ca-cert-file $ca"
  echo "tls-auth-clients no"
  echo "tls-replication yes"
}

umask 077
if [ "$role" = redis ]; then
  {
    echo "bind $bind"
    echo "port 0"
    echo "tls-port $port"
    tls_lines
    echo "dir $data"
    echo 'save ""'
    echo "appendonly no"
    echo "maxmemory 200mb"
    echo "maxmemory-policy volatile-lru"
    echo "requirepass \"$password\""
    echo "masterauth \"$password\""
    # as deploy/kubernetes/redis/users.sh
    echo "user portal on >$portal_password ~maas:* &maas:* -@all +ping +info +getrange +get +set +del +exists +pttl +pexpire +incrby +zadd +zcard +zrange +zrem +zremrangebyscore +eval +publish +subscribe"
    echo "replica-announce-ip $self"
    [ "$master" = "$self" ] || echo "replicaof $master $port"
  } >"$data/redis.conf"
  exec redis-server "$data/redis.conf"
fi
{
  echo "bind $bind"
  echo "port 0"
  echo "tls-port $sentinel_port"
  tls_lines
  echo "dir $data"
  # the network policy restricts the callers; the portal's address of Redis carries one password, that of the data
  echo "protected-mode no"
  echo "sentinel resolve-hostnames yes"
  echo "sentinel announce-hostnames yes"
  echo "sentinel announce-ip $self"
  echo "sentinel monitor maas $master $port 2"
  echo "sentinel auth-pass maas $password"
  echo "sentinel down-after-milliseconds maas ${REDIS_DOWN_AFTER_MS:-5000}"
  echo "sentinel failover-timeout maas ${REDIS_FAILOVER_MS:-30000}"
} >"$data/sentinel.conf"
exec redis-server "$data/sentinel.conf" --sentinel
