# As whom CI deploys: it may push images, and change the stacks of this project as the role of stack.tf.

resource "aws_iam_role" "deployer" {
  name                 = "${local.name}-deployer"
  assume_role_policy   = data.aws_iam_policy_document.ci.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "deployer" {
  role   = aws_iam_role.deployer.id
  policy = data.aws_iam_policy_document.deployer.json
}

data "aws_iam_policy_document" "deployer" {
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it has no narrower one
  }
  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.images.arn]
  }
  statement {
    sid = "ChangeStacks"
    actions = [
      "cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DescribeChangeSet",
      "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet",
      "cloudformation:GetTemplateSummary",
    ]
    resources = [
      "arn:${local.aws}:cloudformation:${local.region}:${local.account}:stack/${local.name}-*",
      "arn:${local.aws}:cloudformation:${local.region}:aws:transform/Serverless-2016-10-31",
    ]
  }
  statement {
    sid       = "AsTheRoleOfTheStack"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.stack.arn]
  }
}

output "deployer" {
  description = "the role that CI assumes"
  value       = aws_iam_role.deployer.arn
}
