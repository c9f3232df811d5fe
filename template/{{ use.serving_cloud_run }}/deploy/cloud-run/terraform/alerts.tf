# What a person is told. Each says where to read on.

locals {
  of_service = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.service}\""
}

resource "google_monitoring_notification_channel" "email" {
  display_name = "${local.service}: alerts"
  type         = "email"
  labels       = { email_address = var.email }
  depends_on   = [google_project_service.needed]
}

resource "google_monitoring_alert_policy" "errors" {
  display_name = "${local.service}: HighErrorRate"
  combiner     = "OR"
  conditions {
    display_name = "more than one answer in a hundred is 5xx"
    condition_threshold {
      filter             = "${local.of_service} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      denominator_filter = "${local.of_service} AND metric.type = \"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.01
      duration           = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    content = "docs/runbook-serving.md, HighErrorRate"
  }
  notification_channels = [google_monitoring_notification_channel.email.id]
}

resource "google_monitoring_alert_policy" "latency" {
  display_name = "${local.service}: HighLatencyP99"
  combiner     = "OR"
  conditions {
    display_name = "the slowest of a hundred answers takes longer than promised"
    condition_threshold {
      filter          = "${local.of_service} AND metric.type = \"run.googleapis.com/request_latencies\""
      comparison      = "COMPARISON_GT"
      threshold_value = local.p99_ms
      duration        = "600s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_PERCENTILE_99"
      }
    }
  }
  documentation {
    content = "docs/runbook-serving.md, HighLatencyP99; a start from zero instances counts too"
  }
  notification_channels = [google_monitoring_notification_channel.email.id]
}

resource "google_monitoring_alert_policy" "full" {
  display_name = "${local.service}: AtMostInstances"
  combiner     = "OR"
  conditions {
    display_name = "as many instances run as may run"
    condition_threshold {
      filter          = "${local.of_service} AND metric.type = \"run.googleapis.com/container/instance_count\" AND metric.labels.state = \"active\""
      comparison      = "COMPARISON_GT"
      threshold_value = local.stage.max_instances - 0.5
      duration        = "600s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    content = "docs/runbook-deploy.md, Scale"
  }
  notification_channels = [google_monitoring_notification_channel.email.id]
}

# Whatever the server itself calls an error: a champion that cannot be loaded, predictions that cannot be written.
resource "google_monitoring_alert_policy" "said" {
  display_name = "${local.service}: the server says ERROR"
  combiner     = "OR"
  conditions {
    display_name = "a line of the log is an error"
    condition_matched_log {
      filter = "${local.of_service} AND textPayload =~ \" (ERROR|CRITICAL) engine[.]\""
    }
  }
  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    content = "docs/runbook-serving.md, by what the line says"
  }
  notification_channels = [google_monitoring_notification_channel.email.id]
}
