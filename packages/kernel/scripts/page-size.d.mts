export function pageShift(): number;
