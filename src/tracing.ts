import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { AuthError } from './errors.ts'

/*
 * Spans by the API of OpenTelemetry. Who collects them is the app's choice: without a provider of the app, none is made.
 * Spans hold names only: no document, no variable, no value of a statement, no message of an error, no user.
 */

/** A span that is open. */
export interface OpenSpan {
  /** Undefined while the trace is not recorded. */
  readonly traceId: string | undefined
  /** Runs work whose spans are this span's children. */
  run<T>(work: () => T): T
  set(attributes: Attributes): void
  /** @param failed whether the work has failed */
  end(failed?: boolean): void
  /** Ends the span of work that has thrown. A refusal (AuthError) is an answer like another, and no failure. */
  fail(error: unknown): void
}

const none = new ProxyTracerProvider().getDelegate()
let on = false

/**
 * Whether spans are wanted: whether the app has registered a provider. Asked once a request, because an app may register
 * one late. Costs a look at a global variable.
 */
export function isTracing(): boolean {
  if (on) return true
  const provider = trace.getTracerProvider()
  on = !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== none
  return on
}

/** The span of a request to this server: the child of the app's own span, or else of the sender's (`traceparent`). */
export function startServerSpan(
  name: string,
  headers: Readonly<Record<string, unknown>>,
  attributes: Attributes,
): OpenSpan {
  const active = context.active()
  const parent = trace.getSpan(active) ? active : propagation.extract(active, headers)
  return start(name, attributes, parent, SpanKind.SERVER)
}

/** The child of the active span, or the beginning of a trace. */
export function startSpan(name: string, attributes: Attributes): OpenSpan {
  return start(name, attributes, context.active())
}

/** Runs work in a span: the child of the active one, or the beginning of a trace. */
export function inSpan<T>(name: string, attributes: Attributes, work: () => T): T {
  const span = startSpan(name, attributes)
  const fail = (error: unknown): never => {
    span.fail(error)
    throw error
  }
  try {
    const result = span.run(work)
    if (!(result instanceof Promise)) {
      span.end()
      return result
    }
    return result.then(value => {
      span.end()
      return value
    }, fail) as T
  } catch (error) {
    return fail(error)
  }
}

/** As inSpan where a span is active. Otherwise nobody's request is waiting: what a node does by itself is no trace. */
export function inChildSpan<T>(describe: () => [name: string, attributes: Attributes], work: () => T): T {
  return on && trace.getActiveSpan() !== undefined ? inSpan(...describe(), work) : work()
}

const tracesOf = new WeakMap<object, string>()

/**
 * The trace to look for.
 *
 * @param error that has ended a span, perhaps; otherwise the active span is meant
 * @returns undefined where no trace is recorded
 */
export function traceIdOf(error?: unknown): string | undefined {
  if (!on) return undefined
  const known = typeof error === 'object' && error !== null ? tracesOf.get(error) : undefined
  return known ?? recordedBy(trace.getActiveSpan())
}

function start(name: string, attributes: Attributes, parent: Context, kind = SpanKind.INTERNAL): OpenSpan {
  const span = trace.getTracer('annul').startSpan(name, { attributes, kind }, parent)
  const inside = trace.setSpan(parent, span)
  const traceId = recordedBy(span)
  const end = (failed = false) => {
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
  return {
    traceId,
    run: work => context.with(inside, work),
    set: added => span.setAttributes(added),
    end,
    fail(error) {
      const isRefusal = error instanceof AuthError
      // Messages may hold values, so the kind of the error must do.
      span.setAttribute('error.type', isRefusal ? error.code : nameOf(error))
      if (traceId !== undefined && typeof error === 'object' && error !== null) tracesOf.set(error, traceId)
      end(!isRefusal)
    },
  }
}

function recordedBy(span: Span | undefined): string | undefined {
  return span?.isRecording() ? span.spanContext().traceId : undefined
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}
