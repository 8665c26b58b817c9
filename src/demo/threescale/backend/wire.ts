import type { IncomingMessage, ServerResponse } from 'node:http'

type Usage = Record<string, number>

export interface Refusal {
  refusal: number
  reason: string
  limit?: { value: number; reset: number }
}

export function refuse(response: ServerResponse, { refusal, reason, limit }: Refusal): void {
  response.writeHead(refusal, {
    ...(limit
      ? {
          '3scale-limit-max-value': limit.value,
          '3scale-limit-reset': limit.reset,
          '3scale-limit-remaining': 0,
        }
      : {}),
    '3scale-rejection-reason': reason,
    'content-type': 'application/vnd.3scale-v2.0+xml',
  })
  response.end(`<?xml version="1.0" encoding="UTF-8"?><error code="${reason}"></error>`)
}

export function usageOf(query: Record<string, string>): Usage {
  const usage: Usage = {}
  for (const [name, value] of Object.entries(query)) {
    const metric = /^usage\[(.+)\]$/.exec(name)?.[1]
    if (metric) usage[metric] = Number(value)
  }
  return usage
}

interface Transaction {
  usage: Usage
  credentials: Record<string, string>
}

/** `transactions[0][user_key]=…&transactions[0][usage][hits]=1` */
export async function reportOf(request: IncomingMessage) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  const transactions: Transaction[] = []
  for (const [name, value] of form) {
    const [, index, key = '', metric] = /^transactions\[(\d+)\]\[(\w+)\](?:\[(.+)\])?$/.exec(name) ?? []
    if (index === undefined) continue
    const transaction = transactions[Number(index)] ?? { usage: {}, credentials: {} }
    transactions[Number(index)] = transaction
    if (metric === undefined) transaction.credentials[key] = value
    else transaction.usage[metric] = Number(value)
  }
  return {
    service_id: form.get('service_id') ?? undefined,
    service_token: form.get('service_token') ?? undefined,
    transactions: transactions.filter(Boolean),
  }
}
