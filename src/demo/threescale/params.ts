/** Parameters as Rails reads them: body and query merged, the query wins; `a[b]=c` nests and `a[]=c` makes a list. */
export type Params = Record<string, unknown>

export function parseForm(text: string): Params {
  const params: Params = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const nested = /^([^[]+)\[([^\]]*)\]$/.exec(name)
    if (!nested) params[name] = value
    else if (nested[2] === '') params[nested[1] ?? ''] = [...listOf(params[nested[1] ?? '']), value]
    else params[nested[1] ?? ''] = { ...(params[nested[1] ?? ''] as object | undefined), [nested[2] ?? '']: value }
  }
  return params
}

/** A text parameter of a flat family; what is nested is not seen, as `params.permit` drops it. */
export function textOf(params: Params, name: string): string | undefined {
  const value = params[name]
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
