export const rangeErrors = {
  zone: 'This time zone does not exist. Use a name such as Europe/Madrid.',
  preset: (names: string) => `Use one of ${names}.`,
  conflict: 'Use either range, or since and until.',
  granularity: 'Use hour, day, or month.',
  time: 'Use a day such as 2026-03-01, or a time such as 2026-03-01T10:00:00Z.',
  order: 'The end must be after the start.',
  tooLong: 'Use a range of at most ten years.',
  hoursTooLong: 'Hourly data is available for at most 90 days.',
  daysTooLong: 'Daily data is available for at most one year.',
}

export const presetLabels = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
  '12m': '12 months',
}

export const periods = {
  last: (preset: string) => `the last ${preset}`,
  previous: (preset: string) => `the previous ${preset}`,
  previousPeriod: 'the previous period',
  ongoing: (label: string) => `${label}, so far`,
}
