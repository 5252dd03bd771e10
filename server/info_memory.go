package server

import "fmt"

// infoMemory tells the memory of the process. There is no data set: all that is
// used counts as overhead.
func (s *Server) infoMemory(w *infoWriter) {
	m, peak := s.memory()
	w.size("used_memory", m.used)
	w.size("used_memory_rss", m.rss)
	w.size("used_memory_peak", peak)
	w.field("used_memory_peak_perc", fmt.Sprintf("%.2f%%", 100*ratio(m.used, peak)))
	w.field("used_memory_overhead", m.used)
	w.field("used_memory_startup", s.startMemory)
	w.zeros("used_memory_dataset")
	w.field("used_memory_dataset_perc", "0.00%")
	w.field("allocator_allocated", m.objects)
	w.field("allocator_active", m.active)
	w.field("allocator_resident", m.resident)
	w.size("total_system_memory", systemMemory())
	w.zeros("used_memory_lua", "used_memory_vm_eval")
	w.field("used_memory_lua_human", "0B")
	w.zeros("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
		"used_memory_vm_functions")
	w.size("used_memory_vm_total", 0)
	w.zeros("used_memory_functions")
	w.size("used_memory_scripts", 0)
	w.size("maxmemory", uint64(s.config().MaxMemory))
	w.field("memory_limit", s.config().memoryLimit())
	w.field("maxmemory_policy", "noeviction")
	frag := func(name string, a, b uint64) {
		w.field(name+"_ratio", fmt.Sprintf("%.2f", ratio(a, b)))
		w.field(name+"_bytes", int64(a)-int64(b))
	}
	frag("allocator_frag", m.active, m.objects)
	frag("allocator_rss", m.resident, m.active)
	frag("rss_overhead", m.rss, m.resident)
	w.field("mem_fragmentation_ratio", fmt.Sprintf("%.2f", ratio(m.rss, m.used)))
	w.field("mem_fragmentation_bytes", int64(m.rss)-int64(m.used))
	w.zeros("mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves")
	w.field("mem_clients_normal", s.clientMemory.Load())
	w.field("mem_query_buffers", s.queries.bytes.Load())
	w.zeros("mem_cluster_links", "mem_aof_buffer")
	w.field("mem_allocator", "go")
	w.zeros("active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects")
}

// humanBytes is a size as INFO shows it to people.
func humanBytes(n uint64) string {
	for _, u := range []struct {
		size uint64
		name string
	}{{1 << 40, "T"}, {1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if n >= u.size {
			return fmt.Sprintf("%.2f%s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}
