import {
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { Log } from './redis.js'
import type { Watcher } from './watched.js'

export interface TracesOptions {
  protocol: 'http/protobuf' | 'http/json'
  version: string
  log: Log
}

/** A request that was taken, by route pattern: the path itself may hold anything. */
export interface Incoming {
  method: string
  route: string | undefined
  scheme: string
  requestId: string
  /** headers whose trace is gone on with; undefined where nobody is trusted to have set them */
  headers: Record<string, unknown> | undefined
}

export interface RequestTrace {
  traceId: string
  within(work: () => void): void
  end(status: number): void
}

export type Traces = Awaited<ReturnType<typeof startTraces>>

const STOP_MS = 2000

/**
 * OpenTelemetry, set by its own environment variables. This module is only loaded when they ask for it. Nothing is put into
 * outgoing calls: what a trace is called is no business of 3scale, the sign-in service or a model server.
 */
export async function startTraces({ protocol, version, log }: TracesOptions) {
  diag.setLogger(asDiagLogger(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'maas-portal', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  provider.register()
  const tracer = provider.getTracer('maas-portal', version)

  const watch: Watcher = ({ upstream, call, method, host }) => {
    const [address = host, port] = host.split(/:(?=\d+$)/)
    const span = tracer.startSpan(`${upstream} ${call}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        'http.request.method': method,
        'server.address': address,
        ...(port ? { 'server.port': Number(port) } : {}),
        'maas.upstream': upstream,
      },
    })
    return (ending) => {
      if ('status' in ending) span.setAttribute('http.response.status_code', ending.status)
      const type = 'failure' in ending ? ending.failure : ending.status >= 400 ? String(ending.status) : undefined
      if (type) span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }

  return {
    watch,

    request({ method, route, scheme, requestId, headers }: Incoming): RequestTrace {
      const parent = headers ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT
      const span = tracer.startSpan(
        route ? `${method} ${route}` : method,
        {
          kind: SpanKind.SERVER,
          attributes: {
            'http.request.method': method,
            'url.scheme': scheme,
            'maas.request_id': requestId,
            ...(route ? { 'http.route': route } : {}),
          },
        },
        parent,
      )
      const here = trace.setSpan(parent, span)
      return {
        traceId: span.spanContext().traceId,
        within: (work) => context.with(here, work),
        end(status) {
          span.setAttribute('http.response.status_code', status)
          if (status >= 500) span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },

    /** Sends what is left; a collector that does not answer holds nobody up. */
    async stop(): Promise<void> {
      const late = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
    },
  }
}

function asDiagLogger(log: Log) {
  const warn = (message: string) => log.warn({ reason: message.slice(0, 300) }, 'traces could not be sent')
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} }
}
