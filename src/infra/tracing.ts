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
import { withDeadline } from './deadline.js'
import type { HttpObserver } from './http/instrumented-http.js'
import type { Log } from './redis.js'

export interface TracingOptions {
  protocol: 'http/protobuf' | 'http/json'
  version: string
  log: Log
}

/** An incoming request with its route pattern: the path itself may contain any data. */
export interface IncomingRequest {
  method: string
  route: string | undefined
  scheme: string
  requestId: string
  /** headers with the trace to continue; undefined if the sender is not trusted */
  headers: Record<string, unknown> | undefined
}

export interface RequestTrace {
  traceId: string
  run(work: () => void): void
  end(status: number): void
}

export type Tracing = Awaited<ReturnType<typeof startTracing>>

const STOP_MS = 2000

/**
 * OpenTelemetry, configured by its own environment variables. This module is loaded only if they enable it. Outgoing requests carry no
 * trace headers, so that trace ids do not reach 3scale, the identity provider or a model server.
 */
export async function startTracing({ protocol, version, log }: TracingOptions) {
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

  const observe: HttpObserver = ({ upstream, call, method, host }) => {
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
    return (outcome) => {
      if ('status' in outcome) span.setAttribute('http.response.status_code', outcome.status)
      const type = 'failure' in outcome ? outcome.failure : outcome.status >= 400 ? String(outcome.status) : undefined
      if (type) span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }

  return {
    observe,

    request({ method, route, scheme, requestId, headers }: IncomingRequest): RequestTrace {
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
      const spanContext = trace.setSpan(parent, span)
      return {
        traceId: span.spanContext().traceId,
        run: (work) => context.with(spanContext, work),
        end(status) {
          span.setAttribute('http.response.status_code', status)
          if (status >= 500) span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },

    /** Sends the remaining spans; does not wait for a collector that does not respond. */
    async stop(): Promise<void> {
      await withDeadline(
        provider.shutdown().catch(() => {}),
        STOP_MS,
      )
    },
  }
}

function asDiagLogger(log: Log) {
  const warn = (message: string) => log.warn({ reason: message.slice(0, 300) }, 'Traces could not be sent')
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} }
}
