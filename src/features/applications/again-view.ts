/** What was typed, kept, with the button that sends it again: for writes that 3scale did not answer. */
export function againView(i: {
  title: string
  action: string
  back: string
  failure: string
  values: Record<string, string>
  /** fields to show with a label; the others go along unseen */
  labels: Record<string, string>
  button: string
}) {
  const entries = Object.entries(i.values)
  return {
    title: i.title,
    action: i.action,
    back: i.back,
    failure: i.failure,
    button: i.button,
    shown: entries
      .filter(([name]) => i.labels[name])
      .map(([name, value]) => ({ name, value, label: i.labels[name] ?? name })),
    hidden: entries.filter(([name]) => !i.labels[name]).map(([name, value]) => ({ name, value })),
  }
}
