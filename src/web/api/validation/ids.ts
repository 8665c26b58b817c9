import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../../errors.js'

const form = /^[1-9][0-9]{0,14}$/

/** Ids of 3scale in a path, for schemas. */
export const idPattern = form.source

/** Parameters of a path with one id. */
export function idParameter(noun: string, example: string) {
  return Type.Object({
    id: Type.String({ pattern: idPattern, description: `ID of the ${noun}`, examples: [example] }),
  })
}

/** Undefined if the text is not an id. */
export function parseId(text: string | undefined): number | undefined {
  return text !== undefined && form.test(text) ? Number(text) : undefined
}

/** The `:id` of a path. Rejects with not_found if it is not an id. */
export function idOf({ params }: FastifyRequest): number {
  const id = parseId((params as { id?: string }).id)
  if (id === undefined) throw problem('not_found')
  return id
}
