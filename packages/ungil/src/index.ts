export * from "@ungil/heap";
export * from "@ungil/runtime";
