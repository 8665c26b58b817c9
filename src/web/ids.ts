import type { FastifyRequest } from 'fastify'
import { problem } from '../errors.js'

const form = /^[1-9][0-9]{0,14}$/

/** 3scale's ids in an address, for schemas. */
export const idPattern = form.source

/** Undefined where the text is no id. */
export function idFrom(text: string | undefined): number | undefined {
  return text !== undefined && form.test(text) ? Number(text) : undefined
}

/** The `:id` of an address; what is none names nothing, so it is not_found. */
export function idOf({ params }: FastifyRequest): number {
  const id = idFrom((params as { id?: string }).id)
  if (id === undefined) throw problem('not_found')
  return id
}
